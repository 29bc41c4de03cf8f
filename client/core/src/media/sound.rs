//! How a voice message goes: how loud it is from beginning to end, and how long it lasts.
//!
//! AAC, MP3 and Vorbis are decoded, in the containers that clients write. Of what else is in
//! them, Opus above all, only the length is known.

use std::io::Cursor;

use session_store::Sound;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// Parts of a waveform.
const PARTS: usize = 64;
/// How much of a sound is looked at: clients record five minutes at most.
const LONGEST_SECONDS: u64 = 600;
/// Samples of one channel between two looks at how loud it is, at least.
const STEP: usize = 480;
/// Packets that cannot be decoded, after which no more is tried.
const MOST_BAD: usize = 16;
/// Packets of a container, however short they are.
const MOST_PACKETS: usize = 200_000;

/// How a sound goes; `None` when it is none that is known.
pub(crate) fn of(content: &[u8]) -> Option<Sound> {
    // A fault of a decoder must not keep a file from being taken in.
    let listened = std::panic::catch_unwind(|| listened(content));
    listened.ok().flatten()
}

fn listened(content: &[u8]) -> Option<Sound> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(content)), Default::default());
    let mut container = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            source,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .ok()?;
    let track = container.default_track(TrackType::Audio)?;
    let (id, base) = (track.id, track.time_base);
    let told = track
        .duration
        .and_then(|length| base?.calc_duration(length));
    let told = told.and_then(|time| u64::try_from(time.as_millis()).ok());
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio());
    let mut decoder = params.and_then(|params| {
        let options = AudioDecoderOptions::default();
        symphonia::default::get_codecs()
            .make_audio_decoder(params, &options)
            .ok()
    });
    let mut loudness = Loudness::default();
    let (mut bad, mut end) = (0, 0);
    let mut samples: Vec<f32> = Vec::new();
    for _ in 0..MOST_PACKETS {
        let Ok(Some(packet)) = container.next_packet() else {
            break;
        };
        if packet.track_id != id {
            continue;
        }
        let until = packet.pts.checked_add(packet.dur);
        let until = until.and_then(|until| base?.calc_time(until));
        if let Some(until) = until.and_then(|time| u64::try_from(time.as_millis()).ok()) {
            end = end.max(until);
        }
        if end > LONGEST_SECONDS * 1000 {
            decoder = None;
        }
        let Some(decoding) = &mut decoder else {
            continue;
        };
        match decoding.decode(&packet) {
            Ok(decoded) => {
                let channels = decoded.spec().channels().count().max(1);
                decoded.copy_to_vec_interleaved(&mut samples);
                loudness.add(&samples, channels);
            }
            Err(_) => {
                bad += 1;
                if bad > MOST_BAD {
                    decoder = None;
                }
            }
        }
    }
    let duration_ms = told.filter(|told| *told > 0).unwrap_or(end);
    let duration_ms = u32::try_from(duration_ms).ok().filter(|ms| *ms > 0)?;
    let waveform = decoder.map(|_| loudness.parts()).unwrap_or_default();
    Some(Sound {
        waveform,
        duration_ms,
    })
}

/// The loudest sample of every step.
#[derive(Debug, Default)]
struct Loudness {
    steps: Vec<f32>,
    loudest: f32,
    seen: usize,
}

impl Loudness {
    fn add(&mut self, samples: &[f32], channels: usize) {
        for frame in samples.chunks(channels) {
            for sample in frame {
                // What is no number is no sound.
                self.loudest = self.loudest.max(sample.abs());
            }
            self.seen += 1;
            if self.seen >= STEP {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        self.steps.push(self.loudest.min(1.0));
        self.loudest = 0.0;
        self.seen = 0;
    }

    /// Equal parts, the loudest of them 255; nothing when all is silent.
    fn parts(mut self) -> Vec<u8> {
        if self.seen > 0 {
            self.step();
        }
        let count = self.steps.len();
        let parts = PARTS.min(count);
        let loudest = self.steps.iter().copied().fold(0.0, f32::max);
        let part = |n: usize| {
            let (from, to) = (n * count / parts, (n + 1) * count / parts);
            let steps = self.steps.get(from..to).unwrap_or_default();
            let sum: f32 = steps.iter().sum();
            #[expect(
                clippy::cast_precision_loss,
                reason = "there are fewer than 100,000 steps"
            )]
            let mean = sum / steps.len().max(1) as f32;
            mean
        };
        if loudest < 0.001 {
            return vec![0; parts];
        }
        let means: Vec<f32> = (0..parts).map(part).collect();
        let top = means.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let scaled = means.iter().map(|mean| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 255"
            )]
            let byte = (mean / top * 255.0).round() as u8;
            byte
        });
        scaled.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of MP3 with nothing in them: 1152 samples each, 44,100 in a second.
    fn silent(frames: usize) -> Vec<u8> {
        let mut frame = vec![0xff, 0xfb, 0x90, 0xc0];
        frame.resize(417, 0);
        frame.repeat(frames)
    }

    #[test]
    fn parts_are_as_loud_as_the_sound() {
        let mut loudness = Loudness::default();
        let tone = |loud: f32| (0..2_000).map(move |n| if n % 20 < 10 { loud } else { -loud });
        for loud in [0.05, 0.5] {
            for _ in 0..60 {
                let samples: Vec<f32> = tone(loud).collect();
                loudness.add(&samples, 2);
            }
        }
        let parts = loudness.parts();
        assert_eq!(parts.len(), PARTS);
        let (first, second) = parts.split_at(PARTS / 2);
        assert!(
            first.iter().take(31).all(|part| (20..35).contains(part)),
            "{first:?}"
        );
        assert!(second.iter().all(|part| *part > 250), "{second:?}");
        // A short one has as many parts as there is to tell.
        let mut short = Loudness::default();
        short.add(&[0.2; STEP + 1], 1);
        assert_eq!(short.parts(), [255, 255]);
        assert_eq!(Loudness::default().parts(), [0u8; 0]);
        let mut odd = Loudness::default();
        odd.add(&[f32::NAN, f32::INFINITY, -7.0], 1);
        assert_eq!(odd.parts(), [255]);
    }

    #[test]
    fn silence_is_flat_and_as_long_as_it_is() {
        let sound = of(&silent(100)).unwrap();
        assert!((2_500..2_700).contains(&sound.duration_ms), "{sound:?}");
        assert_eq!(sound.waveform, [0; PARTS]);
    }

    #[test]
    fn what_is_no_sound_or_damaged_is_no_fault() {
        let whole = silent(20);
        assert_eq!(of(b""), None);
        assert_eq!(of(b"words and more words"), None);
        for length in [1, 4, 36, 416, 417, 418, 1000] {
            let _ = of(&whole[..length]);
        }
        for at in 0..48 {
            for byte in [0, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[417 + at] = byte;
                let _ = of(&changed);
            }
        }
    }

    #[test]
    fn a_long_one_is_not_decoded_to_its_end() {
        let long = of(&silent(23_200)).unwrap();
        assert!(long.duration_ms > 600_000, "{long:?}");
        assert!(long.waveform.is_empty());
    }
}
