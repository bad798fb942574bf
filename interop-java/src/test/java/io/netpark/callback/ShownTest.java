package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.ParkedOperation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What {@link EventLoopGroup#connections} shows of connections with callbacks, and of those that threads wait for. */
class ShownTest {

    private static final class Echo implements RequestHandler {
        @Override
        public void request(CallbackConnection connection, ByteBuffer in) throws Exception {
            connection.write(in);
        }
    }

    private static ConnectionSnapshot await(String what, EventLoopGroup group, Predicate<ConnectionSnapshot> wanted) throws Exception {
        List<ConnectionSnapshot> found = new CopyOnWriteArrayList<>();
        Support.await(what, () -> {
            found.clear();
            group.connections().connections().stream().filter(wanted).forEach(found::add);
            return found.size() == 1;
        });
        return found.get(0);
    }

    @Test
    void callbacksAreNamedByTheirClass() throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
                CallbackServer server = CallbackServer.builder().group(group).onRequest(new Echo()).listen(new InetSocketAddress("127.0.0.1", 0));
                Socket client = new Socket("127.0.0.1", server.port())) {
            client.getOutputStream().write(new byte[5]);
            assertEquals(5, client.getInputStream().readNBytes(5).length);
            ConnectionSnapshot seen = await("parked", group, connection -> connection.parked().size() == 1);
            ParkedOperation parked = seen.parked().get(0);
            assertEquals("read", parked.operation());
            assertEquals("onRequest " + Echo.class.getName(), parked.waiter());
            assertEquals(Echo.class.getName(), seen.handler());
            assertEquals(5, seen.bytesIn());
            assertEquals(5, seen.bytesOut());
            assertEquals(0, seen.pendingOutput());
        }
    }

    @Test
    void whatThePeerDoesNotTakeIsPending() throws Exception {
        int much = 64 << 20;
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
                CallbackServer server = CallbackServer.builder().group(group).ignoreInput()
                        .onConnect(connection -> connection.write(ByteBuffer.allocate(much))).listen(new InetSocketAddress("127.0.0.1", 0));
                Socket client = new Socket("127.0.0.1", server.port())) {
            ConnectionSnapshot seen = await("pending", group, connection -> connection.pendingOutput() > 0 && connection.parked().size() == 1);
            assertEquals(much, seen.pendingOutput() + seen.bytesOut());
            // With so much pending it is not read.
            assertEquals("write", seen.parked().get(0).operation());
            assertEquals("output of callbacks", seen.parked().get(0).waiter());
            assertTrue(client.isConnected());
        }
    }

    @Test
    void aThreadThatWaitsIsNamedWithItsStack() throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
                BlockingListener listener = BlockingListener.listen(group, new InetSocketAddress("127.0.0.1", 0))) {
            try (Socket client = new Socket("127.0.0.1", ((InetSocketAddress) listener.localAddress()).getPort());
                    var connection = listener.accept()) {
                Thread reader = new Thread(() -> waitsHere(connection), "the reader");
                reader.start();
                ConnectionSnapshot seen = await("parked", group, some -> some.parked().size() == 1);
                ParkedOperation parked = seen.parked().get(0);
                assertEquals("thread the reader", parked.waiter());
                assertTrue(parked.frames().stream().anyMatch(frame -> frame.getMethodName().equals("waitsHere")), parked.toString());
                client.getOutputStream().write(1);
                reader.join();
            }
        }
    }

    private static void waitsHere(BlockingConnection connection) {
        try {
            connection.read(ByteBuffer.allocate(1));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
