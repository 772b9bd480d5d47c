//! Unpacking with bounds.

use std::io::Read;

use crate::{Error, Result};

/// Unpacks gzip data of at most `limit` bytes.
pub(super) fn gunzip(data: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let decoder = flate2::read::GzDecoder::new(data);
    decoder
        .take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|e| Error::Data(format!("cannot unpack gzip data: {e}")))?;
    if out.len() > limit {
        return Err(Error::Data(format!("gzip data unpacks to more than the expected {limit} bytes")));
    }
    Ok(out)
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(data: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_at_its_limit() {
        use std::io::Write;
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        bomb.write_all(&vec![0; 1 << 20]).expect("write to memory");
        let bomb = bomb.finish().expect("write to memory");
        assert!(gunzip(&bomb, 1000).is_err());
        assert_eq!(gunzip(&bomb, 1 << 20).expect("within the limit").len(), 1 << 20);
    }

    #[test]
    fn sha256_of_the_standards_example() {
        // FIPS 180-4, "abc".
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
