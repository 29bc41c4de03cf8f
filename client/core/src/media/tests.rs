use image::codecs::gif::GifEncoder;
use image::{Frame, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

const SECRET: &[u8] = b"52.5200 N 13.4050 E";

fn photo(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        let byte = |n: u32| u8::try_from(n % 256).unwrap();
        Rgb([byte(x * 3), byte(y * 5), byte(x ^ y)])
    })
    .into()
}

fn as_format(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn has_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|part| part == SECRET)
}

fn segment(mark: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, mark][..], &length, content].concat()
}

/// EXIF with an orientation, and the secret behind it.
fn exif(orientation: u8) -> Vec<u8> {
    let tiff = [
        &b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0"[..],
        &[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0],
        &[0; 4],
        SECRET,
    ]
    .concat();
    segment(0xe1, &tiff)
}

fn jpeg_with(orientation: u8) -> Vec<u8> {
    let jpeg = as_format(&photo(40, 20), ImageFormat::Jpeg);
    let (start, rest) = jpeg.split_at(2);
    let comment = segment(0xfe, SECRET);
    let maker = segment(0xed, SECRET);
    [start, &exif(orientation), &comment, &maker, rest, SECRET].concat()
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    // Nobody looks at the checksum of what is taken out.
    [&length[..], name, content, &[0; 4]].concat()
}

fn png_with() -> Vec<u8> {
    let png = as_format(&photo(40, 20), ImageFormat::Png);
    let (head, rest) = png.split_at(8 + 25);
    let texts = [chunk(b"tEXt", SECRET), chunk(b"eXIf", SECRET)].concat();
    [head, &texts, rest, SECRET].concat()
}

fn gif_with(frames: usize) -> Vec<u8> {
    let mut gif = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut gif);
        encoder
            .set_repeat(image::codecs::gif::Repeat::Infinite)
            .unwrap();
        for frame in 0..frames {
            let mut pixels = photo(40, 20).to_rgba8();
            pixels.put_pixel(0, 0, Rgba([u8::try_from(frame).unwrap(), 0, 0, 255]));
            encoder.encode_frame(Frame::new(pixels)).unwrap();
        }
    }
    let end = gif.len() - 1;
    let (body, trailer) = gif.split_at(end);
    let length = u8::try_from(SECRET.len()).unwrap();
    let comment = [&[0x21, 0xfe, length][..], SECRET, &[0]].concat();
    let program = [&b"\x21\xff\x0bXMP DataXMP"[..], &[length], SECRET, &[0]].concat();
    [body, &comment, &program, trailer, SECRET].concat()
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [&b"RIFF"[..], &length, b"WEBP", chunks].concat()
}

fn webp_with() -> Vec<u8> {
    let webp = as_format(&photo(40, 20), ImageFormat::WebP);
    let pixels = webp.get(12..).unwrap();
    let extended = b"VP8X\x0a\0\0\0\x0c\0\0\0\x27\0\0\x13\0\0";
    let length = u32::try_from(SECRET.len()).unwrap().to_le_bytes();
    let exif = [&b"EXIF"[..], &length, SECRET, &[0][..SECRET.len() % 2]].concat();
    let xmp = [&b"XMP "[..], &length, SECRET, &[0][..SECRET.len() % 2]].concat();
    [
        &riff(&[&extended[..], pixels, &exif, &xmp].concat())[..],
        SECRET,
    ]
    .concat()
}

fn clean(bytes: Vec<u8>) -> Picture {
    cleaned(bytes).unwrap().unwrap()
}

#[test]
fn pixels_stay_and_everything_else_goes() {
    for (mime, bytes) in [
        ("image/jpeg", jpeg_with(1)),
        ("image/png", png_with()),
        ("image/gif", gif_with(1)),
        ("image/webp", webp_with()),
    ] {
        assert!(has_secret(&bytes), "{mime}");
        let before = decoded(&bytes).unwrap();
        let picture = clean(bytes);
        assert!(!has_secret(&picture.bytes), "{mime}");
        assert_eq!((picture.mime, picture.dimensions), (mime, (40, 20)));
        let after = decoded(&picture.bytes).unwrap();
        assert_eq!(after.to_rgba8(), before.to_rgba8(), "{mime}");
        // There is nothing more to take out.
        assert_eq!(clean(picture.bytes.clone()).bytes, picture.bytes, "{mime}");
    }
}

#[test]
fn a_photo_that_lies_on_its_side_is_set_upright() {
    let picture = clean(jpeg_with(6));
    assert!(!has_secret(&picture.bytes));
    assert_eq!(picture.dimensions, (20, 40));
    assert_eq!(orientation(&picture.bytes), Orientation::NoTransforms);
}

#[test]
fn moving_pictures_go_on_moving() {
    use image::AnimationDecoder as _;
    let picture = clean(gif_with(3));
    let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(&picture.bytes)).unwrap();
    assert_eq!(decoder.into_frames().count(), 3);
    assert!(picture.bytes.windows(11).any(|part| part == b"NETSCAPE2.0"));
}

#[test]
fn what_is_no_picture_stays_as_it_is() {
    for bytes in [&b""[..], b"%PDF-1.4 words", b"BM not sent as a picture"] {
        assert_eq!(cleaned(bytes.to_vec()).unwrap(), Err(bytes.to_vec()));
    }
}

#[test]
fn what_only_begins_as_a_picture_is_refused() {
    for bytes in [jpeg_with(1), png_with(), gif_with(1), webp_with()] {
        let whole = bytes.len();
        for cut in [12, 40, whole / 2] {
            let part = bytes.get(..cut).unwrap().to_vec();
            assert!(
                matches!(cleaned(part), Err(CoreError::BadImage)),
                "{cut} of {whole}"
            );
        }
    }
}

/// Any change of any byte leads to a picture or an error, never further.
#[test]
fn damage_does_no_harm() {
    for bytes in [jpeg_with(6), png_with(), gif_with(2), webp_with()] {
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            drop(cleaned(changed));
        }
    }
}

/// A small file that says it is enormous.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = as_format(&photo(8, 8), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = !0u32;
    for byte in &png[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (!(sum & 1)).wrapping_add(1));
        }
    }
    png[29..33].copy_from_slice(&(!sum).to_be_bytes());
    png
}

#[test]
fn enormous_pictures_are_refused_before_they_are_decoded() {
    for (width, height) in [(60_000, 60_000), (1, 20_001), (8_001, 8_000)] {
        let bytes = bomb(width, height);
        for refused in [
            cleaned(bytes.clone()).map(drop),
            thumbnail(&bytes, 100).map(drop),
            avatar(&bytes).map(drop),
        ] {
            assert!(
                matches!(refused, Err(CoreError::ImageTooLarge { .. })),
                "{width} x {height}: {refused:?}"
            );
        }
    }
    assert!(matches!(
        avatar(&bomb(7_000, 7_000)),
        Err(CoreError::BadImage)
    ));
}

#[test]
fn smaller_pictures() {
    let png = as_format(&photo(400, 200), ImageFormat::Png);
    let small = thumbnail(&png, 100).unwrap();
    assert_eq!((small.dimensions, small.mime), ((100, 50), "image/jpeg"));
    assert_eq!(thumbnail(&png, 1000).unwrap().dimensions, (400, 200));
    let square = avatar(&png).unwrap();
    assert_eq!((square.dimensions, square.mime), ((200, 200), "image/jpeg"));
    let large = as_format(&photo(900, 700), ImageFormat::Jpeg);
    assert_eq!(avatar(&large).unwrap().dimensions, (600, 600));
    let glass: DynamicImage = RgbaImage::from_pixel(50, 50, Rgba([1, 2, 3, 100])).into();
    let glass = as_format(&glass, ImageFormat::Png);
    assert_eq!(avatar(&glass).unwrap().mime, "image/png");
    assert!(matches!(avatar(b"words"), Err(CoreError::BadImage)));
}
