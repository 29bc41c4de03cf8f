//! What an object store answers.

use core::time::Duration;

use instant_xml::FromXml;

use crate::storage::StorageError;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Uploads in parts that are neither complete nor given up.
#[derive(Debug, Default, FromXml)]
#[xml(rename = "ListMultipartUploadsResult", ns(NAMESPACE))]
pub(super) struct Uploads {
    pub(super) uploads: Vec<Upload>,
    #[xml(rename = "IsTruncated")]
    is_truncated: Option<bool>,
    #[xml(rename = "NextKeyMarker")]
    next_key: Option<String>,
    #[xml(rename = "NextUploadIdMarker")]
    next_upload: Option<String>,
}

/// One of them.
#[derive(Debug, FromXml)]
#[xml(rename = "Upload", ns(NAMESPACE))]
pub(super) struct Upload {
    #[xml(rename = "Key")]
    pub(super) key: String,
    #[xml(rename = "UploadId")]
    pub(super) upload_id: String,
    #[xml(rename = "Initiated")]
    pub(super) initiated: String,
}

impl Uploads {
    pub(super) fn parse(text: &str) -> Result<Self, StorageError> {
        instant_xml::from_str(text.trim_start()).map_err(|_| StorageError::ObjectStoreAnswer)
    }

    /// Where the rest begins, if there is more.
    pub(super) fn next(&self) -> Option<(String, String)> {
        let more = self.is_truncated.unwrap_or_default();
        let next = (self.next_key.clone()?, self.next_upload.clone()?);
        more.then_some(next)
    }
}

/// Whether something was written so long ago. What cannot be read was not.
pub(super) fn is_older(written: &str, age: Duration) -> bool {
    let Ok(written) = written.parse::<jiff::Timestamp>() else {
        return false;
    };
    let since = jiff::Timestamp::now().duration_since(written);
    Duration::try_from(since).is_ok_and(|since| since >= age)
}

/// The code in an error, such as `NoSuchBucket`.
pub(super) fn error_code(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_uploads_are_read() {
        let text = r#"
<?xml version="1.0" encoding="UTF-8"?>
<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>files</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker>
  <NextKeyMarker>a/2</NextKeyMarker><NextUploadIdMarker>two</NextUploadIdMarker>
  <MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
  <Upload><Key>a/1</Key><UploadId>one</UploadId>
    <Initiator><ID>x</ID><DisplayName>anna</DisplayName></Initiator>
    <StorageClass>STANDARD</StorageClass><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
  <Upload><Key>a/2</Key><UploadId>two</UploadId>
    <Initiated>2010-11-10T20:49:33.000Z</Initiated></Upload>
</ListMultipartUploadsResult>"#;
        let uploads = Uploads::parse(text).unwrap();
        assert_eq!(uploads.uploads.len(), 2);
        let first = &uploads.uploads[0];
        assert_eq!((&*first.key, &*first.upload_id), ("a/1", "one"));
        assert!(is_older(&first.initiated, Duration::from_secs(3600)));
        assert_eq!(uploads.next(), Some(("a/2".to_owned(), "two".to_owned())));
        assert!(Uploads::parse("<Error/>").is_err());
    }

    #[test]
    fn codes_of_errors() {
        let error = "<?xml?><Error><Code>NoSuchBucket</Code><Message>x</Message></Error>";
        assert_eq!(error_code(error).as_deref(), Some("NoSuchBucket"));
        assert_eq!(error_code("<Code>a\nb</Code>"), None);
        assert_eq!(error_code("<html>"), None);
        assert!(!is_older("yesterday", Duration::ZERO));
        assert!(!is_older("2999-01-01T00:00:00Z", Duration::ZERO));
    }
}
