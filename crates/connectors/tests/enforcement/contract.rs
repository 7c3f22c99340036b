//! What every enforcer promises: a plan changes nothing and is the same again, applied twice is applied once, taken back is as before, the
//! effect is seen, what hangs may be tried again, and secrets stay secret.

use std::time::Duration;

use connectors::{
    channels::DeliveryError,
    enforcement::{Demand, Enforcer, Wanted},
};

use crate::SECRET;

/// An enforcer with its device.
pub(crate) struct Case<'a> {
    pub(crate) enforcer: &'a dyn Enforcer,
    pub(crate) demand: Demand,
    /// Something that the device does not take.
    pub(crate) foreign: Demand,
    /// Everything that the device holds, as text.
    pub(crate) state: &'a dyn Fn() -> String,
    /// Whether the effect can be seen.
    pub(crate) visible: bool,
}

impl Case<'_> {
    pub(crate) async fn holds(&self) {
        let Self {
            enforcer,
            demand,
            state,
            ..
        } = self;
        let before = state();
        let plan = enforcer.plan(demand).await.unwrap();
        assert_eq!(enforcer.plan(demand).await.unwrap(), plan, "a plan is the same again");
        assert_eq!(state(), before, "a plan changes nothing");
        assert!(
            !plan.lines.is_empty() && !plan.lines.join("\n").contains(SECRET),
            "{plan:?}"
        );

        enforcer.apply(demand).await.unwrap();
        let applied = state();
        assert_ne!(applied, before, "applying does something");
        enforcer.apply(demand).await.unwrap();
        assert_eq!(state(), applied, "applied twice is applied once");
        self.is_seen(Wanted::InForce).await;

        assert_eq!(plan.undoable, enforcer.revert(demand).await.is_ok());
        if plan.undoable {
            assert_eq!(state(), before, "what is taken back leaves the device as it was");
            enforcer.revert(demand).await.unwrap();
            assert_eq!(state(), before, "taken back twice is taken back once");
            self.is_seen(Wanted::Gone).await;
        }
        let refused = enforcer.apply(&self.foreign).await.unwrap_err();
        assert!(matches!(refused, DeliveryError::Permanent { .. }), "{refused:?}");
        assert!(!format!("{enforcer:?} {refused:?}").contains(SECRET));
    }

    async fn is_seen(&self, wanted: Wanted) {
        let seen = self.enforcer.verify(&self.demand, wanted).await.unwrap();
        assert_eq!(seen.holds, self.visible.then_some(true), "{wanted:?}: {seen:?}");
    }
}

/// A device that hangs is given up in time, and may be tried again.
pub(crate) async fn gives_up_in_time(enforcer: &dyn Enforcer, demand: &Demand) {
    let asked = tokio::time::timeout(Duration::from_secs(10), enforcer.apply(demand)).await;
    let error = asked.expect("an attempt ends in time").unwrap_err();
    assert!(matches!(error, DeliveryError::Retryable { .. }), "{error:?}");
    assert!(!error.to_string().contains(SECRET), "{error}");
}
