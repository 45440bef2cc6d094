//! Asking in batches: chunks of names go out side by side, but not all at once.

use std::future::Future;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use nightshift_core::ports::PortResult;

/// How many calls of one kind are out at a time: quick for a few hundred items, and far from every burst limit (100 for
/// ECS's reads, Amazon ECS service endpoints and quotas).
pub(crate) const SIDE_BY_SIDE: usize = 8;

/// Asks for each chunk of at most `size` items and puts the answers together, in order; the first failure is the answer.
pub(crate) async fn in_chunks<'a, Item, Answer, Asked>(
    items: &'a [Item],
    size: usize,
    ask: impl Fn(&'a [Item]) -> Asked,
) -> PortResult<Vec<Answer>>
where
    Asked: Future<Output = PortResult<Vec<Answer>>>,
{
    let answers = stream::iter(items.chunks(size)).map(ask).buffered(SIDE_BY_SIDE);
    let answers: Vec<Vec<Answer>> = answers.try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}
