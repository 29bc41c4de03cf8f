//! Pictures: what is taken out of them before they are sent, and smaller ones made of them.
//!
//! A picture that is sent keeps its pixels byte by byte; only what a camera or a program wrote
//! beside them goes: places, times, names, previews, and what is hidden behind the end. Pixels are
//! made anew only where the picture would otherwise lie on its side, and for profile pictures.
//!
//! Nothing is decoded before its size is known to be bearable.

mod gif;
mod jpeg;
mod png;
pub(crate) mod sound;
mod webp;

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use crate::CoreError;

/// Pictures of more pixels are neither sent nor decoded: four bytes each, in memory.
const MOST_PIXELS: u64 = 64_000_000;
/// The longest side.
const LONGEST_SIDE: u32 = 20_000;
/// What decoding one picture may take.
const MOST_MEMORY: u64 = 320 * 1024 * 1024;
/// Quality of pictures made anew.
const QUALITY: u8 = 88;
/// Sides of a profile picture (docs/protocol/client.md section 5.8).
const AVATAR: u32 = 600;

/// A picture as it is sent, or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its MIME type.
    pub mime: &'static str,
    /// Width and height in pixels.
    pub dimensions: (u32, u32),
}

impl core::fmt::Debug for Picture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Picture")
            .field("mime", &self.mime)
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

/// The picture formats that every client shows.
fn format_of(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    let format = image::guess_format(bytes).ok()?;
    let mime = match format {
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Png => "image/png",
        ImageFormat::WebP => "image/webp",
        ImageFormat::Gif => "image/gif",
        _ => return None,
    };
    Some((format, mime))
}

/// The MIME type of a picture that can be shown.
pub(crate) fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    format_of(bytes).map(|(_, mime)| mime)
}

/// Width and height of a picture that can be shown.
pub(crate) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let (format, _) = format_of(bytes)?;
    bearable(bytes, format).ok()
}

/// Takes everything out of a picture that is not the picture. `None` for what is no picture of
/// the usual formats: other files are sent as they are.
///
/// # Errors
/// [`CoreError::BadImage`] when it begins as a picture and is none, [`CoreError::ImageTooLarge`].
pub(crate) fn cleaned(bytes: Vec<u8>) -> Result<Result<Picture, Vec<u8>>, CoreError> {
    let Some((format, mime)) = format_of(&bytes) else {
        return Ok(Err(bytes));
    };
    let dimensions = bearable(&bytes, format)?;
    let stripped = match format {
        ImageFormat::Jpeg => {
            if orientation(&bytes) != Orientation::NoTransforms {
                return Ok(Ok(upright(&bytes)?));
            }
            jpeg::stripped(&bytes)
        }
        ImageFormat::Png => png::stripped(&bytes),
        ImageFormat::Gif => gif::stripped(&bytes),
        _ => webp::stripped(&bytes),
    };
    Ok(Ok(Picture {
        bytes: stripped.ok_or(CoreError::BadImage)?,
        mime,
        dimensions,
    }))
}

/// A square picture of oneself.
///
/// # Errors
/// [`CoreError::BadImage`], [`CoreError::ImageTooLarge`].
pub(crate) fn avatar(bytes: &[u8]) -> Result<Picture, CoreError> {
    let image = decoded(bytes)?;
    let side = image.width().min(image.height());
    let left = (image.width() - side) / 2;
    let top = (image.height() - side) / 2;
    let square = image.crop_imm(left, top, side, side);
    let square = if side > AVATAR {
        square.resize_exact(AVATAR, AVATAR, image::imageops::FilterType::CatmullRom)
    } else {
        square
    };
    encoded(&square)
}

/// A picture at most `side` pixels wide and high.
///
/// # Errors
/// [`CoreError::BadImage`], [`CoreError::ImageTooLarge`].
pub(crate) fn thumbnail(bytes: &[u8], side: u32) -> Result<Picture, CoreError> {
    let image = decoded(bytes)?;
    let side = side.clamp(1, 2000);
    if image.width() <= side && image.height() <= side {
        return encoded(&image);
    }
    encoded(&image.thumbnail(side, side))
}

/// A photo as it is to be looked at, without what said so.
fn upright(bytes: &[u8]) -> Result<Picture, CoreError> {
    encoded(&decoded(bytes)?)
}

/// Width and height, if a picture of that size can be borne.
fn bearable(bytes: &[u8], format: ImageFormat) -> Result<(u32, u32), CoreError> {
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader.into_dimensions().map_err(|_| CoreError::BadImage)?;
    if width == 0 || height == 0 {
        return Err(CoreError::BadImage);
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS || width.max(height) > LONGEST_SIDE {
        return Err(CoreError::ImageTooLarge { width, height });
    }
    Ok((width, height))
}

fn orientation(bytes: &[u8]) -> Orientation {
    let reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg);
    reader
        .into_decoder()
        .and_then(|mut decoder| decoder.orientation())
        .unwrap_or(Orientation::NoTransforms)
}

/// The first frame, upright.
fn decoded(bytes: &[u8]) -> Result<DynamicImage, CoreError> {
    let (format, _) = format_of(bytes).ok_or(CoreError::BadImage)?;
    bearable(bytes, format)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| CoreError::BadImage)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| CoreError::BadImage)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// As JPEG, or as PNG when something shines through.
fn encoded(image: &DynamicImage) -> Result<Picture, CoreError> {
    let dimensions = (image.width(), image.height());
    let mut bytes = Cursor::new(Vec::new());
    let opaque = !image.color().has_alpha() || {
        let pixels = image.to_rgba8();
        pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX)
    };
    let mime = if opaque {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        image
            .to_rgb8()
            .write_with_encoder(encoder)
            .map_err(|_| CoreError::BadImage)?;
        "image/jpeg"
    } else {
        let pixels = DynamicImage::ImageRgba8(image.to_rgba8());
        pixels
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|_| CoreError::BadImage)?;
        "image/png"
    };
    Ok(Picture {
        bytes: bytes.into_inner(),
        mime,
        dimensions,
    })
}

/// The first `N` bytes from `at`.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests;
