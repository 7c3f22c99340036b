//! The console over a real ledger and lake: permissions, signing in, work, pages in both languages, a real browser.

#[cfg(test)]
mod actions;
#[cfg(test)]
mod api_tokens;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod client;
#[cfg(test)]
mod duty;
#[cfg(test)]
mod hunts;
#[cfg(test)]
mod incidents;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod permissions;
#[cfg(test)]
#[path = "../post/mod.rs"]
mod post;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod watches;
#[cfg(test)]
mod work;
