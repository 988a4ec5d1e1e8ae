//! What the OpenAPI document says of every route: the conventions, the rules of names, and what each permission shows.

use crate::domain::api_key::permission::Permission;

/// What is true of every route.
pub fn about() -> String {
    let sight = Permission::table_of_sight();
    format!(
        "{CONVENTIONS}\n\n## Names\n\n{NAMES}\n\n## What each permission shows\n\n{SIGHT}\n\n{sight}"
    )
}

/// What clients need to know once.
const CONVENTIONS: &str = "\
Access profiles for AI gateways: who may use which provider, model and tool, for how much money, and how often.

## Paths

Paths under `/api` and under `/api/governance` answer the same, where nothing else is said. The document has both; what stands under \
the tag `Alias` is the second way to the same operation.

## Keys

Management takes `Authorization: Bearer <management API key>` and nothing else. What gateways ask for somebody (`/v1/quota`, \
`/v1/mcp/tools`, `/v1/forward-auth`) takes that person's virtual key. 401 says what to send instead, 403 which permission is missing.

## Calls

Where upstreams are set up, the paths of the providers' own APIs are here too, for the providers' own clients, with a virtual key in the \
place of the provider's key: `POST /v1/chat/completions`, `/v1/completions`, `/v1/responses`, `/v1/embeddings`, `/v1/images/…`, \
`/v1/audio/…`, `/v1/moderations`, `/v1/rerank`, `/v1/messages`, `/v1/messages/count_tokens` and `/v1beta/models/…`, `GET /v1/models` (what \
the key may use), and all of them below the name of an upstream, `/{upstream}/…`. What goes in and comes out is described in the \
provider's own document; refusals look as the provider's own. An answer carries `x-tollkeeper-reservation`, and `x-tollkeeper-cost` in \
US dollars where that is known before it goes out.

## Errors

Every other refusal has one shape, `ErrorBody`, unknown paths and malformed bodies included. `type` is what kind it is, `error.code` the \
stable reason, `error.message` a sentence for people, `error.param` the place in the body. A body is judged as a whole: the first \
violation is in `error`, all of them are in `extra_fields.errors`. `event_id` is the `x-request-id` of the answer, and stands in the \
server's log. Fields and query parameters that are not known are 400 with the nearest known name; fields that only the server sets may \
be sent back, and are ignored.

## Absent and null

In an answer, what is not there is left out, unless its schema says that it may be null; lists are always there. In a change, what is \
left out stays. So does what is null at the top of a body, which some clients send for everything that is not set; only \
`rate_limit: null` takes the rate limit away, and `role_id: null` the role. A list is emptied by `[]`, an expiry by `\"\"`. In a \
body that makes something, and inside an object, `null` is as if the field were left out.

## ETag and If-Match

What shows one thing has a strong `ETag`. With `If-None-Match`, reading it again is 304 while it holds; with `If-Match`, a change is \
412 when somebody else was faster. Both compare weakly, so that a proxy which compresses changes nothing. Without `If-Match` the last \
change wins.

## Idempotency-Key

A POST with an `Idempotency-Key` is done once: for 24 hours the same key and body get the first answer again, secrets included; the \
same key with another body is 422.

## Lists

Lists answer their items, `count` (on this page), `total_count`, `limit` and `offset`. `sort` takes a field, with `-` before it for \
descending; the order is total, so no page overlaps another. `search` is a substring without regard to case.

## Money and time

Money is US dollars as a JSON number, held exactly to a billionth; an amount that is not 0 is a billionth at least. Times are RFC 3339 \
in UTC. Durations are a number and a unit (`1h`, `30d`); case matters: `m` is a minute, `M` a month.";

const NAMES: &str = "\
Names are trimmed and hold no character that nobody sees (400 `invalid_character` names it, such as U+200B), but joiners between letters, \
which Persian and the scripts of India need, and what makes emoji. Where a name must be unique, neither case nor how accents are \
composed (NFC) makes a difference, nor do joiners. Names of providers and models, which gateways write, differ by everything but \
case. Nothing that looks like a Tollkeeper key is taken in a name, a description or a tag (400 `credential_here`). These rules \
judge what is sent: what is stored already can be sent back with a change of the same thing.";

const SIGHT: &str = "\
What answers show beside ids, by the permissions of the management API key that asks; every key may read itself and the list of \
permissions, and holds no more than the sum of its rows:";
