//! The protobuf wire format, as far as OTLP needs it: fields one after the other, nothing allocated.

/// A value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireValue<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// The bytes are not protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid protobuf: {0}")]
pub(crate) struct BrokenWire(pub(crate) &'static str);

/// Walks over the fields of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field's number and value.
    pub(crate) fn next_field(&mut self) -> Result<Option<(u64, WireValue<'a>)>, BrokenWire> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 || number > u64::from(u32::MAX >> 3) {
            return Err(BrokenWire("a field number out of range"));
        }
        let value = match key & 7 {
            0 => WireValue::Varint(self.varint()?),
            1 => WireValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| BrokenWire("a length out of range"))?;
                WireValue::Bytes(self.take(length)?)
            }
            5 => WireValue::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(BrokenWire("an unknown wire type")),
        };
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Result<u64, BrokenWire> {
        let mut value = 0_u64;
        for (at, byte) in self.0.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at).min(63);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Ok(value);
            }
        }
        Err(BrokenWire("a varint without end"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BrokenWire> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(BrokenWire("it ends inside a field"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BrokenWire> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(BrokenWire("it ends inside a field"))?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// Writes a varint field.
pub(crate) fn put_varint(to: &mut Vec<u8>, number: u8, value: u64) {
    to.push(number << 3);
    put_raw_varint(to, value);
}

/// Writes a length-delimited field.
pub(crate) fn put_bytes(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    to.push((number << 3) | 2);
    put_raw_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn put_raw_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).expect("seven bits fit") | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).expect("less than 128"));
}
