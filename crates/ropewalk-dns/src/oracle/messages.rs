//! Messages by chance: whole ones of all common types, and what becomes of them on a bad day.

use crate::Random;

/// A message being written.
pub(super) struct Writer<'a> {
    random: &'a mut Random,
    bytes: Vec<u8>,
    /// Where names begin that others may point to.
    names: Vec<usize>,
    /// Where pointers are.
    pointers: Vec<usize>,
}

/// The words that names are made of: few, so that many are alike.
const WORDS: [&[u8]; 8] =
    [b"www", b"Example", b"com", b"a", b"xn--bcher-kva", b"_tcp", b"w.w", b"\x00\xff"];

/// A message of any kind, mended or broken.
pub(super) fn any_message(random: &mut Random) -> Vec<u8> {
    if random.below(20) == 0 {
        return noise(random, 80);
    }
    let mut writer = Writer { random, bytes: Vec::new(), names: Vec::new(), pointers: Vec::new() };
    writer.message();
    let Writer { mut bytes, pointers, .. } = writer;
    for _ in 0..[0, 0, 1, 1, 3][random.below(5)] {
        spoil(&mut bytes, &pointers, random);
    }
    bytes
}

fn noise(random: &mut Random, bytes_max: usize) -> Vec<u8> {
    (0..random.below(bytes_max)).map(|_| random.bytes::<1>()[0]).collect()
}

/// Changes something: a byte, a pointer, a number, the length.
fn spoil(bytes: &mut Vec<u8>, pointers: &[usize], random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.bytes::<1>()[0]),
        2 => drop(bytes.drain(at..bytes.len().min(at + 1 + random.below(4)))),
        3 if !pointers.is_empty() => {
            let pointer = pointers[random.below(pointers.len())];
            let to = u16::try_from(random.below(bytes.len() + 4)).unwrap_or(0) & 0x3FFF;
            let place = bytes.get_mut(pointer..pointer + 2);
            place.into_iter().for_each(|place| place.copy_from_slice(&(0xC000 | to).to_be_bytes()));
        }
        4 => bytes.extend(noise(random, 9)),
        5 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(1)),
        6 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0xC0),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.bytes::<1>()[0]),
    }
}

impl Writer<'_> {
    fn message(&mut self) {
        let flags = match self.random.below(4) {
            0 => self.random.u16(),
            1 => 0x0100,
            _ => 0x8180,
        };
        let counts = [
            [1, 1, 1, 1, 1, 1, 0, 2][self.random.below(8)],
            self.random.below(5),
            self.random.below(3),
            self.random.below(3),
        ];
        let has_opt = self.random.below(2) == 0;
        let id = self.random.u16();
        self.words(&[id, flags]);
        for (section, count) in counts.iter().enumerate() {
            let count = count + usize::from(section == 3 && has_opt);
            self.words(&[u16::try_from(count).unwrap_or(0)]);
        }
        for _ in 0..counts[0] {
            self.name();
            let rtype = self.rtype();
            let class = self.class();
            self.words(&[rtype, class]);
        }
        for _ in 0..counts[1..].iter().sum() {
            self.record();
        }
        if has_opt {
            self.opt();
        }
    }

    fn byte(&mut self) -> u8 {
        self.random.bytes::<1>()[0]
    }

    fn words(&mut self, words: &[u16]) {
        words.iter().for_each(|word| self.bytes.extend(word.to_be_bytes()));
    }

    fn noise(&mut self, bytes: usize) {
        for _ in 0..bytes {
            let byte = self.byte();
            self.bytes.push(byte);
        }
    }

    fn class(&mut self) -> u16 {
        [1, 1, 1, 1, 1, 1, 1, 3, 254, 255][self.random.below(10)]
    }

    /// A name, with a pointer at its end if there is something to point to.
    fn name(&mut self) {
        let begin = self.bytes.len();
        for _ in 0..self.random.below(4) {
            self.label();
        }
        if self.random.below(200) == 0 {
            (0..4).for_each(|_| self.long_label());
        }
        if self.random.below(3) > 0 && !self.names.is_empty() {
            let to = self.names[self.random.below(self.names.len())];
            self.pointers.push(self.bytes.len());
            self.words(&[0xC000 | u16::try_from(to).unwrap_or(0) & 0x3FFF]);
        } else {
            self.bytes.push(0);
        }
        self.names.push(begin);
    }

    fn plain_name(&mut self) {
        (0..self.random.below(4)).for_each(|_| self.label());
        self.bytes.push(0);
    }

    fn label(&mut self) {
        let word = WORDS[self.random.below(WORDS.len())];
        self.string(word);
    }

    fn long_label(&mut self) {
        let long = [b'x'; 63];
        let bytes = 58 + self.random.below(6);
        self.string(&long[..bytes]);
    }

    /// A length and so many bytes.
    fn string(&mut self, bytes: &[u8]) {
        self.bytes.push(u8::try_from(bytes.len()).unwrap_or(0));
        self.bytes.extend(bytes);
    }

    fn any_string(&mut self) {
        let bytes = noise(self.random, 12);
        self.string(&bytes);
    }

    fn rtype(&mut self) -> u16 {
        const TYPES: [u16; 37] = [
            1, 28, 2, 5, 12, 39, 15, 6, 16, 33, 13, 257, 35, 43, 48, 46, 47, 50, 51, 52, 44, 64,
            65, 37, 61, 10, 14, 17, 18, 62, 99, 65280, 0, 41, 250, 252, 255,
        ];
        // The last are no data, and rare.
        let types = if self.random.below(30) == 0 { TYPES.len() } else { TYPES.len() - 5 };
        TYPES[self.random.below(types)]
    }

    fn record(&mut self) {
        self.name();
        let (rtype, class) = (self.rtype(), self.class());
        self.words(&[rtype, class]);
        let ttl = [self.random.u32(), 3600, 0, 60][self.random.below(4)];
        self.bytes.extend(ttl.to_be_bytes());
        let length_at = self.bytes.len();
        self.words(&[0]);
        if self.random.below(40) > 0 {
            self.data(rtype);
        }
        let length = u16::try_from(self.bytes.len() - length_at - 2).unwrap_or(0);
        self.bytes[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }

    /// The data of a record of this type, as it should be.
    fn data(&mut self, rtype: u16) {
        match rtype {
            1 => self.noise(4),
            28 => self.noise(16),
            2 | 5 | 12 => self.name(),
            39 => self.plain_name(),
            15 => {
                self.noise(2);
                self.name();
            }
            6 => {
                self.name();
                self.name();
                self.noise(20);
            }
            14 | 17 => {
                self.name();
                self.name();
            }
            16 | 99 => (0..=self.random.below(3)).for_each(|_| self.any_string()),
            33 => {
                self.noise(6);
                self.plain_name();
            }
            13 => {
                self.any_string();
                self.any_string();
            }
            257 => {
                self.noise(1);
                self.string(b"issue");
                self.bytes.extend(b"ca.example");
            }
            35 => {
                self.noise(4);
                self.string(b"u");
                self.string(b"E2U+sip");
                self.string(b"!^.*$!sip:x!");
                self.plain_name();
            }
            64 | 65 => self.service(),
            62 => {
                self.noise(4);
                let flags = self.byte() & 3;
                self.bytes.extend([0, flags]);
                self.type_bits();
            }
            46 => {
                self.noise(18);
                self.plain_name();
                self.noise(16);
            }
            47 => {
                self.plain_name();
                self.type_bits();
            }
            50 => {
                self.noise(4);
                self.string(b"salt");
                self.string(&[7; 20]);
                self.type_bits();
            }
            51 => {
                self.noise(4);
                self.any_string();
            }
            18 => {
                self.noise(2);
                self.name();
            }
            _ => {
                let bytes = 4 + self.random.below(30);
                self.noise(bytes);
            }
        }
    }

    fn type_bits(&mut self) {
        self.bytes.extend([0, 2, 0x40, 0x01]);
        if self.random.below(3) == 0 {
            self.bytes.extend([1, 1, 0x40]);
        }
    }

    /// SVCB and HTTPS: some parameters, in order.
    fn service(&mut self) {
        self.noise(2);
        self.plain_name();
        if self.random.below(2) == 0 {
            self.words(&[1, 3]);
            self.string(b"h2");
        }
        if self.random.below(2) == 0 {
            self.words(&[3, 2, 443]);
        }
        if self.random.below(2) == 0 {
            self.words(&[4, 4]);
            self.noise(4);
        }
    }

    fn opt(&mut self) {
        self.bytes.push(0);
        let size = [1232, 4096, 100, 0][self.random.below(4)];
        let version = u16::from(self.random.below(10) == 0);
        self.words(&[41, size, version, 0x8000]);
        match self.random.below(4) {
            0 => {
                self.words(&[12, 10, 8]);
                self.noise(8);
            }
            1 => self.words(&[4, 65001, 0]),
            _ => self.words(&[0]),
        }
    }
}
