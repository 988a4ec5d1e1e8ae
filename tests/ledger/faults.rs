//! A disk that refuses to write.
