//! The rows of reservations. Each column is named once, beside the field that stands in it: what is inserted, what is selected, and how
//! both are bound and read follow from that.

use std::sync::{Arc, LazyLock};

use rusqlite::{ToSql, params};

use super::many_rows::{ManyRows, Values, run};
use crate::domain::decision::ReservationId;
use crate::domain::decision::amounts::Amounts;
use crate::domain::decision::journal::{Charge, ReservationEnd, ReservationRow, ReservationState};
use crate::domain::decision::particulars::{Aside, McpCall, Particulars};
use crate::domain::decision::reservation::Reservation;
use crate::error::Result;
use crate::store::sql::{Columns, Writing};

/// What stands in some columns of a row, one behind the other.
trait InColumns: Sized {
    fn names() -> Vec<&'static str>;
    fn bind(&self, values: &mut Values<'_, '_>) -> rusqlite::Result<()>;
    fn read(row: &Columns<'_>) -> rusqlite::Result<Self>;
}

/// Says in which column each field of a struct stands (`=`), or of which type it is when it stands in several (`:`). A field that is
/// not named here does not compile.
macro_rules! in_columns {
    ($type:ident { $($field:ident $(= $column:literal)? $(: $several:ty)?),+ $(,)? }) => {
        impl InColumns for $type {
            fn names() -> Vec<&'static str> {
                [$($(vec![$column])? $(<$several>::names())?),+].concat()
            }

            fn bind(&self, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
                let Self { $($field),+ } = self;
                $($(bind_one($column, $field, values)?;)? $(<$several>::bind($field, values)?;)?)+
                Ok(())
            }

            fn read(row: &Columns<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: $(row.get($column)?)? $(<$several>::read(row)?)?),+ })
            }
        }
    };
}

in_columns!(Reservation {
    id: ReservationId,
    virtual_key_id = "virtual_key_id",
    user_id = "user_id",
    copy_id = "user_access_profile_id",
    access_profile_id = "access_profile_id",
    provider = "provider",
    model = "model",
    particulars: Particulars,
    held: Amounts,
    request_id = "request_id",
    created_at = "created_at",
    expires_at = "expires_at",
    requests = "requests",
    owner = "owner",
});

in_columns!(ReservationId {
    number = "id",
    nonce = "nonce",
});

in_columns!(Particulars {
    aside: Option<Box<Aside>>,
    estimated_tokens = "estimated_tokens",
    estimated_cost = "estimated_cost",
    max_hold = "max_hold",
});

in_columns!(Amounts {
    tokens = "held_tokens",
    cost = "held_cost",
});

impl InColumns for Option<Box<Aside>> {
    fn names() -> Vec<&'static str> {
        vec!["mcp_server", "mcp_tool", "priced_by"]
    }

    fn bind(&self, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
        let mcp = self.as_ref().and_then(|aside| aside.mcp.as_ref());
        values.add(mcp.map(|mcp| &mcp.server))?;
        values.add(mcp.and_then(|mcp| mcp.tool.as_ref()))?;
        values.add(self.as_ref().and_then(|aside| aside.priced_by.as_ref()))
    }

    fn read(row: &Columns<'_>) -> rusqlite::Result<Self> {
        let (server, tool): (Option<_>, _) = (row.get("mcp_server")?, row.get("mcp_tool")?);
        let mcp = server.map(|server| McpCall { server, tool });
        Ok(Aside::if_any(mcp, row.get("priced_by")?))
    }
}

/// How a reservation ended, or that it is open.
impl InColumns for Option<ReservationEnd> {
    fn names() -> Vec<&'static str> {
        let charges = [EXPIRED, SETTLED].concat();
        [&["state", "finished_at"], &charges[..], &["ended_by"]].concat()
    }

    fn bind(&self, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
        let state = self.map_or(ReservationState::Open, |end| end.state);
        let expired = self.and_then(|end| end.expired);
        let settled = self.and_then(|end| end.settled);
        values.add(state.name())?;
        values.add(self.map(|end| end.finished_at))?;
        values.add(expired.map(|charge| charge.number))?;
        values.add(expired.map_or(0, |charge| charge.tokens))?;
        values.add(expired.map_or(0, |charge| charge.cost))?;
        values.add(settled.map(|charge| charge.number))?;
        values.add(settled.map(|charge| charge.tokens))?;
        values.add(settled.map(|charge| charge.cost))?;
        values.add(self.map(|end| end.by))
    }

    fn read(row: &Columns<'_>) -> rusqlite::Result<Self> {
        let state = row.read("state", |state: String| ReservationState::parse(&state))?;
        let finished_at: Option<i64> = row.get("finished_at")?;
        let Some(finished_at) = finished_at else {
            return Ok(None);
        };
        Ok(Some(ReservationEnd {
            state,
            expired: charge(row, EXPIRED)?,
            settled: charge(row, SETTLED)?,
            finished_at,
            by: row.get("ended_by")?,
        }))
    }
}

/// The number, the tokens and the cost of a charge.
const EXPIRED: [&str; 3] = ["expired_number", "expired_tokens", "expired_cost"];
const SETTLED: [&str; 3] = ["settled_number", "tokens", "cost"];

fn charge(
    row: &Columns<'_>,
    [number, tokens, cost]: [&str; 3],
) -> rusqlite::Result<Option<Charge>> {
    let number: Option<i64> = row.get(number)?;
    let charge = |number| {
        Ok(Charge {
            number,
            tokens: row.get(tokens)?,
            cost: row.get(cost)?,
        })
    };
    number.map(charge).transpose()
}

/// Gives the next value; its column is the next one too, because both come from the same list.
fn bind_one(_column: &str, value: impl ToSql, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
    values.add(value)
}

const INTO: &str = "INSERT INTO reservations";

static INSERT_OPEN: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [vec!["state"], Reservation::names()].concat();
    ManyRows::of(INTO, &columns.join(", "), "")
});
static INSERT: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::of(INTO, &all_columns().join(", "), ""));
/// Selects all columns.
pub(super) static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM reservations", all_columns().join(", ")));
static FINISH: LazyLock<String> = LazyLock::new(|| {
    let end = Option::<ReservationEnd>::names().join(" = ?, ");
    format!("UPDATE reservations SET {end} = ?, priced_by = ? WHERE id = ?")
});

fn all_columns() -> Vec<&'static str> {
    [Option::<ReservationEnd>::names(), Reservation::names()].concat()
}

/// Notes reservations that were made.
pub(super) fn insert(writing: &Writing<'_>, rows: &[&ReservationRow]) -> Result<()> {
    const DOING: &str = "noting reservations";
    let all_open = rows.iter().all(|row| row.end.is_none());
    if all_open {
        INSERT_OPEN.write(DOING, writing, rows, |row, values| {
            values.add(ReservationState::Open.name())?;
            row.record.bind(values)
        })
    } else {
        INSERT.write(DOING, writing, rows, |row, values| {
            row.end.bind(values)?;
            row.record.bind(values)
        })
    }
}

/// Notes that a reservation was extended.
pub(super) fn extend(writing: &Writing<'_>, record: &Reservation) -> Result<()> {
    writing.run(
        "noting that a reservation was extended",
        "UPDATE reservations SET estimated_tokens = ?2, estimated_cost = ?3, held_tokens = ?4, held_cost = ?5, expires_at = ?6
         WHERE id = ?1",
        params![
            record.id.number,
            record.particulars.estimated_tokens,
            record.particulars.estimated_cost,
            record.held.tokens,
            record.held.cost,
            record.expires_at
        ],
    )
}

/// Notes how a reservation ended.
pub(super) fn finish(
    writing: &Writing<'_>,
    record: &Reservation,
    end: ReservationEnd,
) -> Result<()> {
    run(
        "noting the end of a reservation",
        writing,
        &FINISH,
        |values| {
            Some(end).bind(values)?;
            values.add(record.particulars.priced_by())?;
            values.add(record.id.number)
        },
    )
}

/// The reservation of a row with all columns.
pub(super) fn read(row: &Columns<'_>) -> rusqlite::Result<ReservationRow> {
    let end = Option::read(row)?;
    let record = Arc::new(Reservation::read(row)?);
    Ok(ReservationRow { record, end })
}
