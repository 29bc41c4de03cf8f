//! Looking for something in whatever form it was written down.

use data_encoding::{BASE64_NOPAD, HEXLOWER, HEXUPPER};

/// Something that may or may not be known to somebody.
pub(super) struct Needle {
    pub(super) name: String,
    forms: Vec<Vec<u8>>,
}

impl Needle {
    /// Bytes, to be found as they are, as hex of either case, and as base64 wherever in a longer
    /// text they may stand.
    pub(super) fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        let mut forms = vec![
            bytes.to_vec(),
            HEXLOWER.encode(bytes).into_bytes(),
            HEXUPPER.encode(bytes).into_bytes(),
        ];
        for before in 0..3 {
            let text = BASE64_NOPAD.encode(&[&vec![0; before], bytes].concat());
            // Characters that hold bits of the neighbours too are left out.
            let start = (before * 8).div_ceil(6);
            let end = (before + bytes.len()) * 8 / 6;
            forms.push(text.as_bytes()[start..end].to_vec());
        }
        Self {
            name: name.into(),
            forms,
        }
    }

    pub(super) fn is_in(&self, view: &[u8]) -> bool {
        self.forms
            .iter()
            .any(|form| view.windows(form.len()).any(|window| window == form))
    }
}

/// Fails when one of them is there.
#[track_caller]
pub(super) fn assert_none(needles: &[&Needle], view: &[u8], who: &str) {
    for needle in needles {
        assert!(!needle.is_in(view), "{who} learns {}", needle.name);
    }
}

#[test]
fn every_form_is_found_and_nothing_else() {
    let needle = Needle::new("it", b"what is looked for");
    let other = Needle::new("something else", b"what is looked  or");
    for before in 0..7 {
        let plain = [&b"prefix "[..before], b"what is looked for", b"!!"].concat();
        let views = [
            plain.clone(),
            HEXLOWER.encode(&plain).into_bytes(),
            HEXUPPER.encode(&plain).into_bytes(),
            data_encoding::BASE64.encode(&plain).into_bytes(),
        ];
        for view in views {
            assert!(needle.is_in(&view), "{before}");
            assert!(!other.is_in(&view), "{before}");
        }
    }
    assert!(!needle.is_in(b""));
}
