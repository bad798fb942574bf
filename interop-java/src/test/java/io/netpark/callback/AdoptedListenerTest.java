package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.OpenPipe;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sockets that listened before their server. */
@Timeout(60)
class AdoptedListenerTest {

    private static CallbackServer.Builder answering(String answer) {
        return CallbackServer.builder().loops(1).onRequest((connection, in) -> {
            in.position(in.limit());
            connection.write(Support.bytes(answer));
        });
    }

    @Test
    void aServerSucceedsAnotherWithoutRefusingAnybody() throws Exception {
        for (boolean onEachLoop : new boolean[] {false, true}) {
            CallbackServer.Builder first = answering("1");
            CallbackServer old = onEachLoop
                    ? first.loops(2).listenOnEachLoop().listen(Support.loopback()) : first.listen(Support.loopback());
            List<OpenDescriptor> sockets = old.duplicates();
            assertEquals(onEachLoop ? 2 : 1, sockets.size());
            try (old; CallbackServer next = answering("2").adopt(sockets.toArray(OpenDescriptor[]::new));
                    Socket before = Support.connect(old)) {
                assertEquals(old.port(), next.port());
                assertFalse(sockets.get(0).isOpen()); // it is the server's
                Support.send(before, "x");
                assertTrue("12".contains(Support.receive(before, 1)));
                old.shutdown(Shutdown.within(Duration.ofSeconds(5)));
                for (int i = 0; i < 10; i++) {
                    try (Socket after = Support.connect(next)) {
                        Support.send(after, "x");
                        assertEquals("2", Support.receive(after, 1));
                    }
                }
            }
        }
    }

    @Test
    void whatIsNoListenerStaysTheCallers() throws Exception {
        OpenDescriptors before;
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                OpenPipe pipe = OpenDescriptor.pipe();
                CallbackServer server = answering("1").group(group).listen(Support.loopback())) {
            before = OpenDescriptors.now();
            List<OpenDescriptor> sockets = server.duplicates();
            assertThrows(NetparkException.class,
                    () -> answering("2").group(group).adopt(sockets.get(0), pipe.readEnd()));
            assertTrue(pipe.readEnd().isOpen());
            assertFalse(sockets.get(0).isOpen());
            before.awaitOpened(0);
            assertThrows(IllegalStateException.class, () -> answering("2").group(group).adopt(sockets.get(0)));
            assertThrows(IllegalArgumentException.class, () -> answering("2").group(group).adopt());
        }
    }
}
