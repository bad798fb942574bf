package io.netpark.callback;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.GroupHealth.LoopHealth;
import java.net.Socket;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whoever looks at a loop that is held is told which connection's callback holds it, and so is the reporter. */
@Timeout(60)
class OccupationTest {

    /** The callback that holds the loop. */
    enum Which { CONNECT, REQUEST, HALF_CLOSE, CLOSE }

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch release = new CountDownLatch(1);

    private void holdIf(boolean holds) {
        if (!holds) {
            return;
        }
        begun.countDown();
        try {
            release.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Callbacks callbacks(Which which) {
        return Callbacks.builder()
                .onConnect(connection -> holdIf(which == Which.CONNECT))
                .onRequest((connection, in) -> {
                    in.position(in.limit());
                    holdIf(which == Which.REQUEST);
                })
                .onHalfClose(connection -> {
                    holdIf(which == Which.HALF_CLOSE);
                    connection.close();
                })
                .onClose((connection, cause) -> holdIf(which == Which.CLOSE))
                .build();
    }

    @ParameterizedTest
    @EnumSource(Which.class)
    void theCallbackThatHoldsALoopIsNamedWithItsConnection(Which which) throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackServer server = CallbackServer.builder().group(group).callbacks(callbacks(which))
                        .listen(Support.loopback());
                Socket client = Support.connectPlain(server)) {
            try {
                client.getOutputStream().write('x');
                if (which != Which.REQUEST) {
                    client.shutdownOutput();
                }
                begun.await();
                String name = "connection to 127.0.0.1:" + client.getLocalPort();
                Support.await("it is named", () -> {
                    LoopHealth loop = group.health(Duration.ofMillis(20)).loops().get(0);
                    return !loop.answers() && loop.occupation() != null && loop.occupation().startsWith(name)
                            && (which == Which.CLOSE || loop.occupation().contains("(handler " + OccupationTest.class.getName()));
                });
            } finally {
                release.countDown();
            }
        }
    }

    @Test
    void theReportOfTheWatchdogNamesTheConnectionAndItsCallback() throws Exception {
        Queue<String> reports = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).watchdog(Duration.ofSeconds(1))
                        .reporter((what, cause) -> reports.add(what)).open();
                CallbackServer server = CallbackServer.builder().group(group).callbacks(callbacks(Which.REQUEST))
                        .listen(Support.loopback());
                Socket client = Support.connectPlain(server)) {
            try {
                client.getOutputStream().write('x');
                begun.await();
                Pattern named = Pattern.compile("has been held for \\d+ ms by connection to 127\\.0\\.0\\.1:" + client.getLocalPort()
                        + " .*\\(handler " + Pattern.quote(OccupationTest.class.getName()) + "[^)]*\\), and serves nobody");
                Support.await("it is reported", () -> reports.stream().anyMatch(named.asPredicate()));
            } finally {
                release.countDown();
            }
        }
    }
}
