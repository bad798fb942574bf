package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.netpark.core.loop.EventLoopGroup;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes wrong while accepting is reported, and a server goes on as long as there are loops. */
@Timeout(60)
class AcceptTroubleTest {

    private final Support.Reports reports = new Support.Reports();

    @Test
    void aBalancingThatThrowsOnceCostsNoMoreThanThat() throws Exception {
        IllegalStateException trouble = new IllegalStateException("no loop is good enough");
        AtomicInteger asked = new AtomicInteger();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(2).daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE)
                        .balancing((loops, source) -> {
                            if (source != 0 && asked.getAndIncrement() == 0) {
                                throw trouble;
                            }
                            return loops.get(0);
                        }).open();
                CallbackServer server = CallbackServer.builder().group(group)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            Support.send(second, "x");
            assertEquals("x", Support.receive(second, 1));
            Support.await("the report", () -> List.copyOf(reports.causes).equals(List.of(trouble)));
            assertSame(trouble, reports.causes.peek());
            first.setSoTimeout(1);
        }
    }

    @Test
    @SuppressWarnings("try") // the group is closed in the midst of it
    void aGroupThatIsClosedWhileServersAcceptIsNoTrouble() throws Exception {
        for (boolean each : new boolean[] {false, true}) {
            try (EventLoopGroup group = Support.group(2, reports);
                    CallbackServer server = each
                            ? CallbackServer.builder().group(group).listenOnEachLoop().ignoreInput().listen(Support.loopback())
                            : CallbackServer.builder().group(group).ignoreInput().listen(Support.loopback());
                    Socket client = Support.connect(server)) {
                Support.await("it is there", () -> server.connections() == 1);
                group.close();
                assertEquals(-1, client.getInputStream().read());
                Support.await("its callbacks have run", () -> server.connections() == 0);
            }
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }
}
