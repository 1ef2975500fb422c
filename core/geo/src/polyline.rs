use fieldfare_model::LatLng;

/// How many decimals of a degree a polyline keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Five decimals, about 1 m: Google, OSRM.
    Five,
    /// Six decimals, about 10 cm: Valhalla.
    Six,
}

impl Precision {
    const fn scale(self) -> f64 {
        match self {
            Self::Five => 1e5,
            Self::Six => 1e6,
        }
    }
}

/// Why a text is not an encoded polyline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolylineError {
    /// A byte outside the alphabet `?` to `~`.
    #[error("byte {at} of the polyline is not of its alphabet: is the text escaped twice?")]
    Byte {
        /// Offset of the byte.
        at: usize,
    },
    /// The text ends within a position.
    #[error("the polyline ends within a position: was the text cut?")]
    Truncated,
    /// A number does not fit 32 bits.
    #[error("a number in the polyline is too large at byte {at}")]
    TooLarge {
        /// Offset of the byte that makes it too large.
        at: usize,
    },
    /// A decoded position is not on Earth.
    #[error(
        "position {index} of the polyline is out of range: is it encoded with another precision?"
    )]
    OutOfRange {
        /// Index of the position, from 0.
        index: usize,
    },
}

/// Encodes positions by Google's encoded polyline algorithm. Coordinates are rounded to nearest.
pub fn encode_polyline(path: &[LatLng], precision: Precision) -> String {
    let mut text = String::with_capacity(path.len() * 8);
    let mut before = (0, 0);
    for at in path {
        let now = (scaled(at.lat(), precision), scaled(at.lon(), precision));
        push_number(&mut text, now.0 - before.0);
        push_number(&mut text, now.1 - before.1);
        before = now;
    }
    text
}

/// Decodes an encoded polyline. Linear in its length, never panics.
///
/// # Errors
/// [`PolylineError`] for anything that is not a whole polyline of positions on Earth.
pub fn decode_polyline(
    text: impl AsRef<[u8]>,
    precision: Precision,
) -> Result<Vec<LatLng>, PolylineError> {
    let mut numbers = Numbers {
        bytes: text.as_ref(),
        at: 0,
    };
    let mut path = Vec::with_capacity(numbers.bytes.len() / 8);
    let (mut lat, mut lon) = (0i64, 0i64);
    while !numbers.is_empty() {
        lat += numbers.read()?;
        lon += numbers.read()?;
        let position = LatLng::new(
            lat as f64 / precision.scale(),
            lon as f64 / precision.scale(),
        );
        let index = path.len();
        path.push(position.map_err(|_| PolylineError::OutOfRange { index })?);
    }
    Ok(path)
}

fn scaled(degrees: f64, precision: Precision) -> i64 {
    (degrees * precision.scale()).round() as i64
}

/// Zigzag, then groups of five bits from the lowest, each but the last with a continuation bit.
fn push_number(text: &mut String, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x20 {
        text.push(symbol((rest & 0x1f) as u8 | 0x20));
        rest >>= 5;
    }
    text.push(symbol(rest as u8));
}

const FIRST_SYMBOL: u8 = b'?';
const LAST_SYMBOL: u8 = b'~';

fn symbol(group: u8) -> char {
    char::from(group + FIRST_SYMBOL)
}

struct Numbers<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Numbers<'_> {
    fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn read(&mut self) -> Result<i64, PolylineError> {
        let mut number = 0u64;
        for shift in (0..35).step_by(5) {
            let group = self.group()?;
            number |= u64::from(group & 0x1f) << shift;
            if group & 0x20 == 0 {
                return self.checked(number);
            }
        }
        Err(self.too_large())
    }

    /// A difference of two scaled positions fits 32 bits with its sign, and so sums of checked
    /// numbers cannot overflow.
    fn checked(&self, number: u64) -> Result<i64, PolylineError> {
        let zigzag = u32::try_from(number).map_err(|_| self.too_large())?;
        Ok(i64::from(zigzag >> 1) ^ -i64::from(zigzag & 1))
    }

    fn too_large(&self) -> PolylineError {
        PolylineError::TooLarge { at: self.at - 1 }
    }

    fn group(&mut self) -> Result<u8, PolylineError> {
        let at = self.at;
        let byte = *self.bytes.get(at).ok_or(PolylineError::Truncated)?;
        self.at += 1;
        if (FIRST_SYMBOL..=LAST_SYMBOL).contains(&byte) {
            Ok(byte - FIRST_SYMBOL)
        } else {
            Err(PolylineError::Byte { at })
        }
    }
}
