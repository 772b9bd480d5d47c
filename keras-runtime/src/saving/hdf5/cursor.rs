//! Reading numbers from bytes that may end anywhere.

/// A place in some bytes. Whatever lies beyond them is an error.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// Where it is.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("a structure is cut off")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// As [`Cursor::take`], and whatever pads it to a multiple of 8.
    pub fn take_padded(&mut self, count: usize) -> Result<&'a [u8], String> {
        let taken = self.take(count)?;
        // The last one need not be padded.
        self.take((count.next_multiple_of(8) - count).min(self.left()))?;
        Ok(taken)
    }

    pub fn skip(&mut self, count: usize) -> Result<(), String> {
        self.take(count).map(drop)
    }

    pub fn expect(&mut self, signature: &[u8], what: &str) -> Result<(), String> {
        if self.take(signature.len())? == signature { Ok(()) } else { Err(format!("{what} is not one")) }
    }

    /// A number of so many bytes, at most 8.
    pub fn uint(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    pub fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    pub fn u16(&mut self) -> Result<usize, String> {
        Ok(self.uint(2)? as usize)
    }

    pub fn u32(&mut self) -> Result<u32, String> {
        Ok(self.uint(4)? as u32)
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        self.uint(8)
    }

    /// A length or an offset, which must be one of this machine.
    pub fn size(&mut self) -> Result<usize, String> {
        usize::try_from(self.u64()?).map_err(|_| "a size is beyond all memory".into())
    }

    /// Text up to a zero.
    pub fn text(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == 0).ok_or("a text has no end")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a text is not UTF-8".into())
    }
}
