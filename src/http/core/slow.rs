//! What a request does that takes long, in its turn.

use super::problem::Problem;
use super::request::body::BodyHash;
use super::request::{Request, blocking};
use super::slow_work::ExpressionTurn;
use crate::domain::body::json::Json;
use crate::domain::list::Page;
use crate::domain::models::expressions::may_be_in;
use crate::error::Result;
use crate::ledger::ReadyExpressions;
use crate::service::Services;
use crate::service::access_profiles::expressions::{Given, find};
use crate::store::Reading;

/// The largest page that is a small read.
const SMALL_PAGE: i64 = 100;
/// How far in a small read begins at most.
const NEAR: i64 = 1_000;

impl Request {
    /// A read that grows with what is stored: one at a time for each caller. Small reads go on beside any number of them.
    ///
    /// # Errors
    /// What `work` answers; 429 when too many of the same caller wait.
    pub async fn slow_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.slow(move |services| services.store.read(work)).await
    }

    /// The same for what joins the ledger and the store.
    ///
    /// # Errors
    /// As [`Request::slow_read`].
    pub async fn slow<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Services) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.state().slow.read_turn(self.caller_id()).await?;
        self.aside(move |services| {
            let _turn = turn;
            work(services)
        })
        .await
    }

    /// A page of a list: slow when a text is looked for in all of it, when it lies far in, and when it is large.
    ///
    /// # Errors
    /// As [`Request::slow_read`].
    pub async fn read_page<T: Send + 'static>(
        &self,
        page: Page,
        searches: bool,
        work: impl FnOnce(&Reading<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if searches || page.offset > NEAR || page.limit > SMALL_PAGE {
            self.slow_read(work).await
        } else {
            self.read(work).await
        }
    }

    /// A turn to compile expressions.
    ///
    /// # Errors
    /// 429 when too many of the same caller wait.
    pub async fn expression_turn(&self) -> Result<ExpressionTurn> {
        let caller = self.caller_id();
        self.state().slow.expression_turn(caller).await
    }

    /// The JSON body of an access profile, turned into a value by `read`: off the async threads, because it may be large, and in turn where
    /// there are expressions in it.
    ///
    /// # Errors
    /// As [`Request::json`]; 429 when too many of the same caller wait.
    pub async fn profile_json<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Json<'_>) -> Result<T> + Send + 'static,
    ) -> std::result::Result<(T, BodyHash), Problem> {
        let bytes = self.json_bytes().await?;
        let turn = if may_be_in(&bytes) {
            Some(self.expression_turn().await?)
        } else {
            None
        };
        let reader = self.body_reader();
        let read = blocking(move || {
            let _turn = turn;
            reader.read(&bytes, read)
        });
        Ok(read.await?)
    }

    /// Compiles the expressions of what a change is about to give to somebody, who must not wait for that.
    ///
    /// # Errors
    /// 409 when all expressions in force would take too much memory; 429 when too many of the same caller wait.
    pub async fn ready_expressions(&self, given: Given) -> Result<ReadyExpressions> {
        let ready = self.aside(move |services| find(services, given)).await?;
        if !ready.is_missing_any() {
            return Ok(ready);
        }
        let (services, turn) = (self.services(), self.expression_turn().await?);
        blocking(move || {
            let _turn = turn;
            services.ledger.expressions().complete(ready)
        })
        .await
    }
}
