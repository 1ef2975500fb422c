//! Varints and texts in bytes, and a reader that survives any bytes and never asks for more memory
//! than the bytes it is given can fill.

use crate::BytesError;

#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(mark: [u8; 4], version: u8) -> Self {
        let mut bytes = mark.to_vec();
        bytes.push(version);
        Self { bytes }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Seven bits a byte, lowest first.
    pub(crate) fn number(&mut self, number: impl Into<u64>) {
        let mut rest = number.into();
        while rest >= 0x80 {
            self.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// Zigzag, so that small negative numbers are short too.
    pub(crate) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    /// The bits of a float, so that it comes back as it was.
    pub(crate) fn float(&mut self, number: f64) {
        self.bytes
            .extend_from_slice(&number.to_bits().to_le_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    /// A mark of presence, then the value.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

type Read<T> = Result<T, BytesError>;

impl<'a> Reader<'a> {
    /// Checks the mark, and that the version is one of `1..=newest`.
    pub(crate) fn open(bytes: &'a [u8], mark: [u8; 4], newest: u8) -> Read<Self> {
        let (found, rest) = bytes.split_at_checked(4).ok_or(BytesError::Mark)?;
        if found != mark {
            return Err(BytesError::Mark);
        }
        let mut reader = Self { rest };
        let version = reader.byte()?;
        if version > newest {
            return Err(BytesError::Version {
                found: version,
                known: newest,
            });
        }
        if version == 0 {
            return Err(BytesError::Value { field: "version" });
        }
        Ok(reader)
    }

    pub(crate) fn close(self) -> Read<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(BytesError::Trailing)
        }
    }

    pub(crate) fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.rest.split_first().ok_or(BytesError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Read<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(BytesError::Value { field: "number" })
    }

    pub(crate) fn small<T: TryFrom<u64>>(&mut self, field: &'static str) -> Read<T> {
        T::try_from(self.number()?).map_err(|_| BytesError::Value { field })
    }

    pub(crate) fn signed(&mut self) -> Read<i64> {
        let zigzag = self.number()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    pub(crate) fn any_float(&mut self) -> Read<f64> {
        Ok(f64::from_bits(u64::from_le_bytes(self.array()?)))
    }

    pub(crate) fn float(&mut self, field: &'static str) -> Read<f64> {
        let number = self.any_float()?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(BytesError::Value { field })
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (first, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(BytesError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A count of things that take at least `each` bytes, which the bytes that are left can hold.
    pub(crate) fn count(&mut self, each: usize) -> Read<usize> {
        let count: usize = self.small("count")?;
        if count > self.rest.len() / each.max(1) {
            return Err(BytesError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn blob(&mut self) -> Read<&'a [u8]> {
        let length = self.count(1)?;
        let (first, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(BytesError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BytesError::Value { field }),
        }
    }

    pub(crate) fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        if self.flag(field)? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Many of one thing; grows as they are read.
    pub(crate) fn list<T>(
        &mut self,
        each: usize,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let count = self.count(each)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }
}
