use super::peers_ops;

#[test]
fn hearsay_is_lent_proven_shared_and_given_up() {
    let opening = [[0, 200, 1].as_slice(), &[1, 1, 7, 1], &[0, 3, 1, 0, 5, 2]].concat();
    let attempt = [3, 0, 5, 0, 6, 9, 4, 2, 0, 7, 37];
    for network in 0..3 {
        let mut script = [opening.clone(), attempt.repeat(20)].concat();
        script[0] = network;
        peers_ops(&script);
        script[1] = 17;
        peers_ops(&script);
    }
}
