//! The history of use, summed up as it is asked for.

use rusqlite::{ToSql, named_params};

use super::sql::{Columns, Reading};
use crate::domain::decision::amounts::TokenSplit;
use crate::domain::decision::journal::FOLDED;
use crate::domain::decision::usage::{OTHER, UsageQuery, UsageRow};
use crate::domain::list::Listed;
use crate::error::Result;

/// Rows that are told apart by what is asked for: the others are NULL in every row. The innermost sum has the reasons of refusals
/// apart, so that they can be gathered in one object. Billions and what is below them are added up apart, because a sum may be more
/// than fits into a column, and SQLite then answers an error.
macro_rules! summed_up {
    ($user:literal) => {
        concat!(
            "WITH used AS (
                SELECT day, user_id, access_profile_id, provider, model, calls, tokens, cost, input_tokens, cached_input_tokens, output_tokens,
                       NULL AS reason, 0 AS refused
                FROM usage_days WHERE day BETWEEN :from AND :to", $user, "
                UNION ALL
                SELECT day, user_id, access_profile_id, provider, model, 0, 0, 0, 0, 0, 0, reason, calls
                FROM refusal_days WHERE day BETWEEN :from AND :to", $user, "
             ), apart AS (
                SELECT iif(:by_day, day, NULL) AS day, iif(:by_user, user_id, NULL) AS user_id,
                       iif(:by_profile, access_profile_id, NULL) AS access_profile_id,
                       iif(:by_provider, provider, NULL) AS provider, iif(:by_model, model, NULL) AS model,
                       sum(calls) AS calls, sum(tokens / 1000000000) AS tokens, sum(tokens % 1000000000) AS tokens_below,
                       sum(cost / 1000000000) AS cost, sum(cost % 1000000000) AS cost_below,
                       sum(input_tokens / 1000000000) AS input, sum(input_tokens % 1000000000) AS input_below,
                       sum(cached_input_tokens / 1000000000) AS cached, sum(cached_input_tokens % 1000000000) AS cached_below,
                       sum(output_tokens / 1000000000) AS output, sum(output_tokens % 1000000000) AS output_below,
                       reason, sum(refused) AS refused
                FROM used WHERE :profile IS NULL OR access_profile_id = :profile
                GROUP BY 1, 2, 3, 4, 5, reason
             )
             SELECT day, user_id, access_profile_id, provider, model, sum(calls) AS calls, sum(tokens) AS tokens,
                    sum(tokens_below) AS tokens_below, sum(cost) AS cost, sum(cost_below) AS cost_below,
                    sum(input) AS input, sum(input_below) AS input_below, sum(cached) AS cached, sum(cached_below) AS cached_below,
                    sum(output) AS output, sum(output_below) AS output_below,
                    json_group_object(reason, refused) FILTER (WHERE reason IS NOT NULL) AS refusals, count(*) OVER () AS total
             FROM apart GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 LIMIT :limit OFFSET :offset"
        )
    };
}
const OF_ALL: &str = summed_up!("");
/// With a condition that the index by user serves.
const OF_ONE: &str = summed_up!(" AND user_id = :user");

/// A page of sums.
pub fn list(reading: &Reading<'_>, query: &UsageQuery) -> Result<Listed<UsageRow>> {
    let [by_day, by_user, by_profile, by_provider, by_model] = query.groups;
    let values = named_params! {
        ":from": query.from_day, ":to": query.to_day, ":profile": query.access_profile_id, ":by_day": by_day,
        ":by_user": by_user, ":by_profile": by_profile, ":by_provider": by_provider, ":by_model": by_model,
        ":limit": query.page.limit, ":offset": query.page.offset,
    };
    let mut values: Vec<(&str, &dyn ToSql)> = values.to_vec();
    let statement = match &query.user_id {
        Some(user) => {
            values.push((":user", user));
            OF_ONE
        }
        None => OF_ALL,
    };
    let rows: Vec<(UsageRow, i64)> = reading.all(
        "summing up the history of use",
        statement,
        values.as_slice(),
        |row| Ok((row_of(row)?, row.get("total")?)),
    )?;
    let mut total_count = rows.first().map_or(0, |(_, total)| *total);
    if rows.is_empty() && query.page.offset > 0 {
        // No row of a page behind the end says how many there are before it.
        let mut first = query.clone();
        first.page.offset = 0;
        first.page.limit = 1;
        total_count = list(reading, &first)?.total_count;
    }
    Ok(Listed {
        items: rows.into_iter().map(|(row, _)| row).collect(),
        total_count,
    })
}

/// The sum over everything that the query lets through.
pub fn total(reading: &Reading<'_>, query: &UsageQuery) -> Result<UsageRow> {
    let mut whole = query.clone();
    whole.groups = [false; 5];
    whole.page.offset = 0;
    let rows = list(reading, &whole)?;
    Ok(rows.items.into_iter().next().unwrap_or_default())
}

fn row_of(row: &Columns<'_>) -> rusqlite::Result<UsageRow> {
    let [provider, model] = ["provider", "model"].map(|name| row.get::<Option<String>>(name));
    let (provider, model) = (provider?, model?);
    let is_folded = |text: &Option<String>| text.as_deref() == Some(FOLDED);
    // A call that was refused early has no profile (0), provider or model.
    let known = |text: Option<String>| {
        let text = text.filter(|text| !text.is_empty())?;
        Some(if text == FOLDED {
            OTHER.to_owned()
        } else {
            text
        })
    };
    Ok(UsageRow {
        day: row.get("day")?,
        user_id: row.get("user_id")?,
        access_profile_id: row
            .get::<Option<i64>>("access_profile_id")?
            .filter(|id| *id != 0),
        is_other: is_folded(&provider) || is_folded(&model),
        provider: known(provider),
        model: known(model),
        calls: row.get("calls")?,
        tokens: bounded(row.get("tokens")?, row.get("tokens_below")?),
        split: TokenSplit {
            input: bounded(row.get("input")?, row.get("input_below")?),
            cached_input: bounded(row.get("cached")?, row.get("cached_below")?),
            output: bounded(row.get("output")?, row.get("output_below")?),
        },
        cost_nanodollars: bounded(row.get("cost")?, row.get("cost_below")?),
        refusals: row.json("refusals")?,
    })
}

/// A sum of billions and what is below them; the greatest number there is when it is more.
fn bounded(billions: i64, below: i64) -> i64 {
    let sum = i128::from(billions) * 1_000_000_000 + i128::from(below);
    i64::try_from(sum).unwrap_or(i64::MAX)
}
