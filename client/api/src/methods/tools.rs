//! What front ends need beside the accounts.

use qrcode::types::Color;
use qrcode::{EcLevel, QrCode as Code};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use super::params::{
    CheckWordsParams, CheckedWord, CheckedWords, CodeContent, Done, Logs, Nothing, Preferences,
    QrCode, QrMakeParams, QrReadParams, QrText, ReadCodeParams, SetPreferencesParams,
};
use crate::method::Cx;
use crate::recovery::{Held, Known, held, known};
use crate::{ApiError, Content, Secret};

/// Bytes of a text that becomes a QR code.
const LONGEST_TEXT: usize = 1000;

pub(super) async fn qr_make(_: Cx, params: QrMakeParams) -> Result<QrCode, ApiError> {
    let refused = || {
        ApiError::bad_input(
            "api.text_too_long",
            format!("a QR code holds 1 to {LONGEST_TEXT} bytes here"),
        )
    };
    let text = params.text.expose();
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(refused());
    }
    let made = Code::with_error_correction_level(text, EcLevel::M);
    let code = made.map_err(|_| refused())?;
    let size = code.width();
    let fields = code.to_colors();
    let row = |row: &[Color]| {
        let field = |field: &Color| if *field == Color::Dark { '1' } else { '0' };
        row.iter().map(field).collect()
    };
    Ok(QrCode {
        size,
        rows: fields.chunks(size.max(1)).map(row).collect(),
    })
}

pub(super) async fn qr_read(_: Cx, params: QrReadParams) -> Result<QrText, ApiError> {
    let QrReadParams {
        width,
        height,
        grey,
    } = params;
    let grey = grey.into_bytes();
    let [across, down] = [width, height].map(|side| usize::try_from(side).unwrap_or_default());
    let pixels = across.checked_mul(down);
    if grey.is_empty() || grey.len() > Content::MOST_GIVEN || pixels != Some(grey.len()) {
        return Err(ApiError::params(
            "`grey` has `width` times `height` pixels, and not too many",
        ));
    }
    // A picture can hold anything; what the reader makes of it ends with its thread.
    let read = tokio::task::spawn_blocking(move || read(across, down, &grey));
    let text = read.await.ok().flatten();
    Ok(QrText {
        text: text.map(Secret::from),
    })
}

/// The text of the first code that can be read.
fn read(across: usize, down: usize, grey: &[u8]) -> Option<Zeroizing<String>> {
    let pixel = |x: usize, y: usize| grey.get(y * across + x).copied().unwrap_or(u8::MAX);
    let mut image = PreparedImage::prepare_from_greyscale(across, down, pixel);
    let codes = image.detect_grids();
    let text = codes.iter().find_map(|code| code.decode().ok());
    text.map(|(_, text)| Zeroizing::new(text))
}

pub(super) async fn logs(_: Cx, _: Nothing) -> Result<Logs, ApiError> {
    let about = format!(
        "Session {}, {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
    let mut lines = vec![about];
    lines.extend(crate::logs::lines());
    Ok(Logs {
        text: lines.join("\n"),
    })
}

pub(super) async fn preferences(cx: Cx, _: Nothing) -> Result<Preferences, ApiError> {
    Ok(Preferences {
        value: cx.session().preferences().await?,
    })
}

pub(super) async fn set_preferences(
    cx: Cx,
    params: SetPreferencesParams,
) -> Result<Done, ApiError> {
    cx.session().set_preferences(params.value).await?;
    Ok(Done {})
}

pub(super) async fn check_words(_: Cx, params: CheckWordsParams) -> Result<CheckedWords, ApiError> {
    let Known {
        words,
        complete,
        valid,
    } = known(params.words.expose());
    let secret = |word: &'static str| Secret::from(Zeroizing::new(word.to_owned()));
    let words = words.into_iter().map(|(word, suggestions)| CheckedWord {
        word: word.map(secret),
        suggestions: suggestions.into_iter().map(secret).collect(),
    });
    Ok(CheckedWords {
        words: words.collect(),
        complete,
        valid,
    })
}

pub(super) async fn read_code(_: Cx, params: ReadCodeParams) -> Result<CodeContent, ApiError> {
    Ok(match held(params.text.expose()) {
        Held::Words(words) => CodeContent::RecoveryPassword {
            recovery_password: words.into(),
        },
        Held::AccountId => CodeContent::AccountId,
        Held::Link => CodeContent::Link,
        Held::Other => CodeContent::Other,
    })
}
