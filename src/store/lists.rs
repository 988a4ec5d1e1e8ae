//! Lists: which rows are meant, whether few enough to look at each ([`rows`]) or found in packs ([`search`]), and their pages ([`pages`]).

pub mod id_set;
pub mod pages;
pub mod rows;
pub mod search;
