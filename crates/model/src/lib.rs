//! The nouns of Watchpost.
