//! The order of servers after they failed and answered.

use super::*;

fn other(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 6443))
}

/// The order as letters: `N` the named one, `1` and so on the others.
fn order(route: &Route, others: u8) -> String {
    let others: Vec<_> = (1..=others).map(other).collect();
    let letter = |target| match target {
        Target::Named => 'N',
        Target::Other(socket) => socket.ip().to_string().chars().last().unwrap(),
    };
    route.order(&others).into_iter().map(letter).collect()
}

#[test]
fn the_named_one_is_asked_first() {
    assert_eq!(order(&Route::default(), 0), "N");
    assert_eq!(order(&Route::default(), 2), "N12");
}

#[tokio::test]
async fn the_last_to_answer_is_first_and_the_last_to_fail_is_last() {
    let route = Route::default();
    order(&route, 3);
    assert!(route.failed(Target::Named, Fault::Silent));
    assert_eq!(order(&route, 3), "123N");
    // It is known already.
    assert!(!route.failed(Target::Named, Fault::Unable));
    route.failed(Target::Other(other(1)), Fault::Silent);
    assert_eq!(order(&route, 3), "231N");
    assert!(route.answered(Target::Other(other(3))));
    assert_eq!(order(&route, 3), "321N");
    assert!(route.failed(Target::Other(other(3)), Fault::Silent));
    assert_eq!(order(&route, 3), "213N");
    route.answered(Target::Other(other(1)));
    assert!(route.answered(Target::Named));
    assert_eq!(order(&route, 3), "N123");
}

#[tokio::test]
async fn an_answer_of_another_one_moves_nobody_by_itself() {
    let route = Route::default();
    order(&route, 2);
    assert!(!route.answered(Target::Other(other(2))));
    assert_eq!(order(&route, 2), "N12");
}

#[tokio::test]
async fn without_others_nothing_is_left() {
    let route = Route::default();
    order(&route, 0);
    assert!(!route.failed(Target::Named, Fault::Silent));
    assert_eq!(route.away_until(), None);
}

#[tokio::test(start_paused = true)]
async fn who_fails_soon_after_its_return_is_away_for_longer() {
    let route = Route::default();
    order(&route, 1);
    let mut times = Vec::new();
    for _ in 0..7 {
        route.failed(Target::Named, Fault::Silent);
        times.push((route.away_until().unwrap() - Instant::now()).as_secs());
        tokio::time::advance(Duration::from_secs(1)).await;
        route.answered(Target::Named);
    }
    assert_eq!(times, [1, 2, 4, 8, 16, 30, 30]);
    tokio::time::advance(SETTLED).await;
    route.failed(Target::Named, Fault::Silent);
    assert_eq!(route.away_until(), Some(Instant::now() + AWAY.0));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_puts_the_next_one_off() {
    let route = Route::default();
    route.still_away();
    assert_eq!(route.away_until(), None);
    order(&route, 1);
    route.failed(Target::Named, Fault::Silent);
    tokio::time::advance(AWAY.0).await;
    route.still_away();
    assert_eq!(route.away_until(), Some(Instant::now() + AWAY.0));
}
