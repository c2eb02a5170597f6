//! [`Slab`]: a table whose places are used again, and whose keys are not.

/// Values by key; a key of a value that was taken out finds nothing, whoever has its place now.
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

struct Place<T> {
    generation: u32,
    value: Option<T>,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    place: u32,
    generation: u32,
}

impl Key {
    /// Its place, which no other key has while its value is there.
    pub(crate) fn place(self) -> usize {
        self.place as usize
    }

    /// The key as a number.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.place)
    }

    /// The key of that number.
    pub(crate) fn from_number(number: u64) -> Self {
        let [place, generation] = [number, number >> 32].map(|half| half & u64::from(u32::MAX));
        let half = |half| u32::try_from(half).expect("it is a half");
        Self { place: half(place), generation: half(generation) }
    }
}

impl<T> Slab<T> {
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, value: None });
            u32::try_from(self.places.len() - 1).expect("tables are bounded far below 2³²")
        });
        let slot = &mut self.places[place as usize];
        slot.value = Some(value);
        Key { place, generation: slot.generation }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let place = self.places.get(key.place as usize)?;
        place.value.as_ref().filter(|_| place.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(key.place as usize)?;
        place.value.as_mut().filter(|_| place.generation == key.generation)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.place as usize)?;
        let value = place.value.take_if(|_| place.generation == key.generation)?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.place);
        Some(value)
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.places.into_iter().filter_map(|place| place.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places.iter().zip(0..).filter_map(|(place, number)| {
            let key = Key { place: number, generation: place.generation };
            place.value.as_ref().map(|value| (key, value))
        })
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_does_not_find_who_has_its_place_now() {
        let mut slab = Slab::default();
        let old = slab.insert("old");
        assert_eq!(slab.remove(old), Some("old"));
        let new = slab.insert("new");
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get(old), None);
        assert_eq!((slab.get(new), slab.len()), (Some(&"new"), 1));
        assert_eq!(Key::from_number(new.number()), new);
        assert_eq!(slab.iter().map(|(_, value)| *value).collect::<Vec<_>>(), ["new"]);
    }
}
