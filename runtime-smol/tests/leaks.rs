//! Nothing is left of links that ended. Alone in its file, as it counts the descriptors of the whole process.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::time::Duration;

use anonet_core::{Event, ZoneKind};
use smol::net::TcpStream;
use smol::{Executor, Timer};

use self::support::{TestNode, run};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn open_and_end_fifty(service: &TestNode, executor: &Executor<'static>) {
    let opening: Vec<_> = (0..50).map(|at| executor.spawn(TcpStream::connect(service.handle.listening()[at % 4]))).collect();
    let mut streams = Vec::new();
    for stream in opening {
        streams.push(stream.await.unwrap());
    }
    drop(streams);
    for _ in 0..50 {
        service.until(|event| matches!(event, Event::Down { .. }).then_some(())).await;
    }
}

#[test]
#[cfg(target_os = "linux")]
fn two_hundred_links_leave_nothing_behind() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 4);
        // the first time the runtime opens what it keeps
        open_and_end_fifty(&service, executor).await;
        Timer::after(Duration::from_millis(50)).await;
        let before = descriptors();
        for _ in 0..4 {
            open_and_end_fifty(&service, executor).await;
        }
        Timer::after(Duration::from_millis(50)).await;
        assert_eq!(descriptors(), before);
        service.handle.shutdown().await;
        // of the node nothing is left but its handle: four listeners fewer, and no task
        assert_eq!(descriptors(), before - 4);
        assert!(executor.is_empty());
    });
}
