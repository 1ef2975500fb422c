//! Columnar packing: each column of a block of rows in the form that compresses best.
//!
//! Numbers and fixed-width bytes are laid out as planes (all first bytes, then all second bytes
//! ...), so that the bytes that hardly differ stand together.

use crate::ProtocolError;
use fieldfare_model::{Columns, Tag, Value};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::HashMap;

const CONSTANT: u8 = 0;
const INTEGERS: u8 = 1;
const FIXED_BYTES: u8 = 2;
const TEXTS: u8 = 3;
const DICTIONARY: u8 = 4;
const MIXED: u8 = 5;
const BYTES: u8 = 6;
const NUMERALS: u8 = 7;

const MAX_DICTIONARY: usize = 64;
const MAX_FIXED_WIDTH: usize = 64;
const MAX_DIGITS: usize = 18;

const BAD: ProtocolError = ProtocolError::Malformed("frame column");

/// One packed column: `[tag, kind, present, base, body, values]`.
#[derive(Debug, Serialize, Deserialize)]
pub struct PackedColumn(Tag, u8, ByteBuf, i64, ByteBuf, Vec<Value>);

/// Packs the cells of rows, column by column in order of tag.
pub fn pack_columns(rows: &[&Columns]) -> Vec<PackedColumn> {
    let mut tags: Vec<Tag> = rows
        .iter()
        .flat_map(|row| row.iter().map(|(tag, _)| tag))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter().map(|tag| pack_column(tag, rows)).collect()
}

fn pack_column(tag: Tag, rows: &[&Columns]) -> PackedColumn {
    let cells: Vec<&Value> = rows.iter().map(|row| row.get(tag)).collect();
    let present = pack_presence(&cells);
    let values: Vec<&Value> = cells.into_iter().filter(|cell| !cell.is_null()).collect();
    let (kind, base, body, kept) = pack_values(&values);
    PackedColumn(
        tag,
        kind,
        ByteBuf::from(present),
        base,
        ByteBuf::from(body),
        kept,
    )
}

/// A bit for each row, lowest first; empty when every row has the cell.
fn pack_presence(cells: &[&Value]) -> Vec<u8> {
    if cells.iter().all(|cell| !cell.is_null()) {
        return Vec::new();
    }
    cells
        .chunks(8)
        .map(|eight| {
            eight
                .iter()
                .enumerate()
                .fold(0u8, |bits, (i, cell)| bits | u8::from(!cell.is_null()) << i)
        })
        .collect()
}

type Packed = (u8, i64, Vec<u8>, Vec<Value>);

fn pack_values(values: &[&Value]) -> Packed {
    if let Some(dictionary) = pack_dictionary(values) {
        return dictionary;
    }
    pack_integers(values)
        .or_else(|| pack_fixed_bytes(values))
        .or_else(|| pack_numerals(values))
        .or_else(|| pack_blobs(values, TEXTS, |v| v.as_text().map(str::as_bytes)))
        .or_else(|| pack_blobs(values, BYTES, Value::as_bytes))
        .unwrap_or_else(|| {
            (
                MIXED,
                0,
                Vec::new(),
                values.iter().map(|v| (*v).clone()).collect(),
            )
        })
}

fn pack_dictionary(values: &[&Value]) -> Option<Packed> {
    let mut places: HashMap<&Value, u8> = HashMap::new();
    let mut distinct: Vec<Value> = Vec::new();
    let mut body = Vec::with_capacity(values.len());
    for value in values {
        let place = match places.get(value) {
            Some(place) => *place,
            None => {
                let place = u8::try_from(distinct.len()).ok()?;
                places.insert(value, place);
                distinct.push((*value).clone());
                place
            }
        };
        body.push(place);
        if distinct.len() > MAX_DICTIONARY.min(values.len() / 4).max(1) {
            return None;
        }
    }
    if distinct.len() == 1 {
        return Some((CONSTANT, 0, Vec::new(), distinct));
    }
    Some((DICTIONARY, 0, body, distinct))
}

fn pack_integers(values: &[&Value]) -> Option<Packed> {
    let numbers: Vec<i64> = values.iter().map(|v| v.as_int()).collect::<Option<_>>()?;
    let (base, body) = pack_numbers(&numbers)?;
    Some((INTEGERS, base, body, Vec::new()))
}

/// Texts that are the same prefix and then the same number of digits, such as telephone numbers
/// and CRM ids: the digits as integers, the prefix and the digit count as values.
fn pack_numerals(values: &[&Value]) -> Option<Packed> {
    let texts: Vec<&str> = values.iter().map(|v| v.as_text()).collect::<Option<_>>()?;
    let first = texts.first()?;
    let digits = texts
        .iter()
        .map(|t| trailing_digits(t))
        .min()?
        .min(MAX_DIGITS);
    if first.len() - digits > MAX_FIXED_WIDTH {
        return None;
    }
    let prefix = first.get(..first.len() - digits)?;
    let numbers: Vec<i64> = texts
        .iter()
        .map(|t| {
            t.strip_prefix(prefix)
                .filter(|d| d.len() == digits)?
                .parse()
                .ok()
        })
        .collect::<Option<_>>()?;
    let (base, body) = pack_numbers(&numbers)?;
    Some((
        NUMERALS,
        base,
        body,
        vec![prefix.into(), i64::try_from(digits).ok()?.into()],
    ))
}

fn trailing_digits(text: &str) -> usize {
    text.bytes().rev().take_while(u8::is_ascii_digit).count()
}

/// The smallest number, and a width byte with planes of each number's distance from it.
fn pack_numbers(numbers: &[i64]) -> Option<(i64, Vec<u8>)> {
    let base = *numbers.iter().min()?;
    let offsets: Vec<u64> = numbers
        .iter()
        .map(|n| n.wrapping_sub(base) as u64)
        .collect();
    let top = *offsets.iter().max()?;
    let width = (64 - top.leading_zeros() as usize).div_ceil(8).max(1);
    let rows: Vec<[u8; 8]> = offsets.iter().map(|o| o.to_be_bytes()).collect();
    let tails: Vec<&[u8]> = rows.iter().filter_map(|b| b.get(8 - width..)).collect();
    let mut body = vec![u8::try_from(width).ok()?];
    body.extend(to_planes(&tails, width));
    Some((base, body))
}

fn pack_fixed_bytes(values: &[&Value]) -> Option<Packed> {
    let rows: Vec<&[u8]> = values.iter().map(|v| v.as_bytes()).collect::<Option<_>>()?;
    let width = rows.first()?.len();
    let fixed = (1..=MAX_FIXED_WIDTH).contains(&width) && rows.iter().all(|r| r.len() == width);
    fixed.then(|| {
        (
            FIXED_BYTES,
            i64::try_from(width).unwrap_or(0),
            to_planes(&rows, width),
            Vec::new(),
        )
    })
}

fn pack_blobs<'a>(
    values: &[&'a Value],
    kind: u8,
    bytes: impl Fn(&'a Value) -> Option<&'a [u8]>,
) -> Option<Packed> {
    let blobs: Vec<&[u8]> = values.iter().map(|v| bytes(v)).collect::<Option<_>>()?;
    let mut body = Vec::new();
    for blob in &blobs {
        push_number(&mut body, blob.len() as u64);
    }
    for blob in &blobs {
        body.extend_from_slice(blob);
    }
    Some((kind, 0, body, Vec::new()))
}

/// Lays rows of equal width out byte by byte.
pub fn to_planes(rows: &[&[u8]], width: usize) -> Vec<u8> {
    (0..width)
        .flat_map(|plane| {
            rows.iter()
                .map(move |row| row.get(plane).copied().unwrap_or(0))
        })
        .collect()
}

/// Puts planes back into rows, appending nothing if the length does not fit.
pub fn from_planes(planes: &[u8], width: usize, n: usize) -> Result<Vec<Vec<u8>>, ProtocolError> {
    if width == 0 || width > MAX_FIXED_WIDTH || Some(planes.len()) != width.checked_mul(n) {
        return Err(BAD);
    }
    let mut rows = vec![Vec::with_capacity(width); n];
    if n == 0 {
        return Ok(rows);
    }
    for plane in planes.chunks_exact(n) {
        for (row, byte) in rows.iter_mut().zip(plane) {
            row.push(*byte);
        }
    }
    Ok(rows)
}

/// Appends a number as LEB128.
pub fn push_number(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads a LEB128 number off the front.
pub fn take_number(bytes: &mut &[u8]) -> Result<u64, ProtocolError> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(BAD)?;
        *bytes = rest;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            return Err(BAD);
        }
        n |= low << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(BAD)
}

/// Puts packed columns back into rows.
pub fn unpack_columns(columns: Vec<PackedColumn>, n: usize) -> Result<Vec<Columns>, ProtocolError> {
    let mut rows: Vec<Columns> = (0..n)
        .map(|_| Columns::with_capacity(columns.len()))
        .collect();
    let mut last = None;
    for column in columns {
        if last >= Some(column.0) {
            return Err(BAD);
        }
        last = Some(column.0);
        unpack_column(column, &mut rows)?;
    }
    Ok(rows)
}

fn unpack_column(column: PackedColumn, rows: &mut [Columns]) -> Result<(), ProtocolError> {
    let PackedColumn(tag, kind, present, base, body, values) = column;
    let mut holders = holders(&present, rows)?;
    let n = holders.len();
    match kind {
        CONSTANT => {
            let value = values.first().ok_or(BAD)?;
            holders
                .iter_mut()
                .for_each(|row| row.push(tag, value.clone()));
        }
        DICTIONARY => {
            let places = exactly(body.into_vec(), n)?;
            for (row, place) in holders.into_iter().zip(places) {
                row.push(tag, values.get(usize::from(place)).ok_or(BAD)?.clone());
            }
        }
        MIXED => fill(tag, holders, exactly(values, n)?),
        INTEGERS => {
            let numbers = unpack_numbers(base, &body, n)?;
            fill(tag, holders, numbers.into_iter().map(Value::Int).collect());
        }
        NUMERALS => {
            let numbers = unpack_numbers(base, &body, n)?;
            fill(tag, holders, unpack_numerals(&numbers, &values)?);
        }
        FIXED_BYTES => {
            let width = usize::try_from(base).map_err(|_| BAD)?;
            let rows = from_planes(&body, width, n)?;
            fill(tag, holders, rows.into_iter().map(Value::Bytes).collect());
        }
        TEXTS => fill(tag, holders, unpack_blobs(&body, n, text)?),
        BYTES => fill(
            tag,
            holders,
            unpack_blobs(&body, n, |b| Ok(Value::Bytes(b.to_vec())))?,
        ),
        _ => return Err(ProtocolError::Version("frame column")),
    }
    Ok(())
}

fn exactly<T>(values: Vec<T>, n: usize) -> Result<Vec<T>, ProtocolError> {
    if values.len() == n {
        Ok(values)
    } else {
        Err(BAD)
    }
}

fn fill(tag: Tag, holders: Vec<&mut Columns>, values: Vec<Value>) {
    for (row, value) in holders.into_iter().zip(values) {
        row.push(tag, value);
    }
}

/// The rows that have the cell.
fn holders<'a>(
    present: &[u8],
    rows: &'a mut [Columns],
) -> Result<Vec<&'a mut Columns>, ProtocolError> {
    if present.is_empty() {
        return Ok(rows.iter_mut().collect());
    }
    if present.len() != rows.len().div_ceil(8) {
        return Err(BAD);
    }
    let has = |i: usize| {
        present
            .get(i / 8)
            .is_some_and(|bits| bits >> (i % 8) & 1 == 1)
    };
    Ok(rows
        .iter_mut()
        .enumerate()
        .filter(|(i, _)| has(*i))
        .map(|(_, row)| row)
        .collect())
}

fn unpack_numerals(numbers: &[i64], form: &[Value]) -> Result<Vec<Value>, ProtocolError> {
    let [Value::Text(prefix), Value::Int(digits)] = form else {
        return Err(BAD);
    };
    let digits = usize::try_from(*digits).map_err(|_| BAD)?;
    if digits > MAX_DIGITS || prefix.len() > MAX_FIXED_WIDTH || numbers.iter().any(|n| *n < 0) {
        return Err(BAD);
    }
    Ok(numbers
        .iter()
        .map(|n| Value::Text(format!("{prefix}{n:0digits$}")))
        .collect())
}

fn unpack_numbers(base: i64, body: &[u8], n: usize) -> Result<Vec<i64>, ProtocolError> {
    let (width, planes) = body.split_first().ok_or(BAD)?;
    if *width > 8 {
        return Err(BAD);
    }
    let rows = from_planes(planes, usize::from(*width), n)?;
    let number = |bytes: Vec<u8>| bytes.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    Ok(rows
        .into_iter()
        .map(|row| base.wrapping_add(number(row) as i64))
        .collect())
}

fn unpack_blobs(
    body: &[u8],
    n: usize,
    value: impl Fn(&[u8]) -> Result<Value, ProtocolError>,
) -> Result<Vec<Value>, ProtocolError> {
    let mut rest = body;
    let lengths: Vec<u64> = (0..n)
        .map(|_| take_number(&mut rest))
        .collect::<Result<_, _>>()?;
    let mut values = Vec::with_capacity(n);
    for length in lengths {
        let length = usize::try_from(length).map_err(|_| BAD)?;
        let (blob, after) = rest.split_at_checked(length).ok_or(BAD)?;
        rest = after;
        values.push(value(blob)?);
    }
    if rest.is_empty() {
        Ok(values)
    } else {
        Err(BAD)
    }
}

fn text(bytes: &[u8]) -> Result<Value, ProtocolError> {
    std::str::from_utf8(bytes).map(Value::from).map_err(|_| BAD)
}
