package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.sys.UnixAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Connections of one loop read into the same memory, and none ever sees what is another's. */
@Timeout(60)
class OthersBytesTest {

    private static final String SECRET = "PASSWORD-OF-A".repeat(20);

    /** How a callback that has just been shown a secret ends. */
    enum Ending {
        DETACH, CLOSE, PAUSE, LEAVE, TAKE, THROW, ERROR, REQUEST_REPLACED, INPUT_REPLACED, ASK_AGAIN, CLOSE_AFTER_WRITES, COPY
    }

    /** How another connection comes to its bytes afterwards. */
    enum Beginning { ADOPT, ADOPT_PAUSED, ADOPT_REPLACED, ADOPT_NOTHING, ACCEPT, DIAL, RESUME, REPLACE }

    static List<Arguments> endingsAndBeginnings() {
        List<Arguments> all = new ArrayList<>();
        for (Ending ending : Ending.values()) {
            for (Beginning beginning : Beginning.values()) {
                boolean isTls = Flavour.current().isTls(); // which cannot be detached
                if (!isTls || ending != Ending.DETACH && !beginning.name().startsWith("ADOPT")) {
                    all.add(Arguments.of(ending, beginning));
                }
            }
        }
        return all;
    }

    private static void end(Ending ending, CallbackConnection connection, ByteBuffer in, CompletableFuture<Detached> detached)
            throws IOException {
        switch (ending) {
            case DETACH -> detached.complete(connection.detach());
            case CLOSE -> connection.close();
            case PAUSE -> connection.pauseReading();
            case LEAVE -> in.get();
            case TAKE -> in.position(in.limit());
            case THROW -> throw new IOException("on purpose");
            case ERROR -> throw new OutOfMemoryError("on purpose");
            case REQUEST_REPLACED -> connection.onRequest((c, again) -> {});
            case INPUT_REPLACED -> connection.onInput((c, again) -> {});
            case ASK_AGAIN -> {
                if (in.position() == 0 && in.get(0) == 'P') {
                    in.get();
                    connection.requestAgain();
                }
            }
            case CLOSE_AFTER_WRITES -> connection.closeAfterWrites();
            case COPY -> connection.copyTo(connection, 3);
        }
    }

    @ParameterizedTest
    @MethodSource("endingsAndBeginnings")
    void aConnectionSeesNothingButItsOwn(Ending ending, Beginning beginning) throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        CompletableFuture<Detached> detached = new CompletableFuture<>();
        CompletableFuture<Void> shown = new CompletableFuture<>();
        try (EventLoopGroup group = Support.group(1, (what, cause) -> {});
                CallbackServer first = Support.server().group(group).onRequest((connection, in) -> {
                    if (shown.complete(null)) {
                        assertEquals(SECRET, Support.take(in.duplicate()));
                    }
                    end(ending, connection, in, detached);
                }).listen(Support.loopback());
                Socket a = Support.connect(first)) {
            Began b = new Began(group, beginning, seen);
            try {
                Support.send(a, SECRET);
                shown.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                group.next().submit(() -> {}).get(); // the callback has returned
                if (ending == Ending.DETACH) {
                    Detached taken = detached.get();
                    assertEquals(SECRET, new String(taken.unread()));
                    taken.close();
                }
                StringBuilder all = new StringBuilder();
                b.begin();
                while (all.length() < b.expected.length()) {
                    String next = seen.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                    assertTrue(next != null, "only " + all);
                    all.append(next);
                }
                assertEquals(b.expected, all.toString());
                group.next().submit(() -> {}).get();
                assertTrue(seen.isEmpty(), seen::toString);
            } finally {
                b.close();
            }
        }
    }

    /** The second connection. */
    private static final class Began {
        final String expected;
        final Beginning beginning;
        final BlockingQueue<String> seen;
        final CallbackServer server;
        final CallbackClient client;
        final ServerSocket service = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        final AtomicReference<CallbackConnection> accepted = new AtomicReference<>();
        final CompletableFuture<Detached> detached = new CompletableFuture<>();
        Socket peer;

        Began(EventLoopGroup group, Beginning beginning, BlockingQueue<String> seen) throws Exception {
            this.beginning = beginning;
            this.seen = seen;
            this.client = CallbackClient.builder().group(group).open();
            CallbackServer.Builder builder = Support.server().group(group).onConnect(connection -> {
                accepted.set(connection);
                if (beginning == Beginning.RESUME || beginning.name().startsWith("ADOPT")) {
                    connection.pauseReading();
                }
            });
            if (beginning == Beginning.REPLACE) {
                builder.onInput((connection, in) -> {});
            } else {
                builder.onRequest(this::see);
            }
            this.server = builder.listen(Support.loopback());
            this.expected = beginning == Beginning.DIAL ? "hello from the service" : beginning == Beginning.ADOPT_NOTHING ? "later" : "b's own";
            if (beginning != Beginning.DIAL && beginning != Beginning.ACCEPT) {
                peer = Support.connect(server);
                Support.await("accepted", () -> accepted.get() != null);
                if (beginning == Beginning.RESUME || beginning == Beginning.REPLACE) {
                    Support.send(peer, "b's own");
                } else {
                    group.next().submit(() -> detached.complete(accepted.get().detach())).get();
                }
            }
        }

        private void see(CallbackConnection connection, ByteBuffer in) {
            seen.add(Support.take(in));
        }

        private Detached withItsOwn() throws Exception {
            return new Detached(detached.get().descriptor(), "b's own".getBytes());
        }

        void begin() throws Exception {
            Callbacks request = Callbacks.builder().onRequest(this::see).build();
            switch (beginning) {
                case ADOPT -> client.adopt(withItsOwn(), request);
                case ADOPT_PAUSED -> {
                    CallbackConnection b = client.adopt(withItsOwn(), Callbacks.builder()
                            .onConnect(CallbackConnection::pauseReading).onRequest(this::see).build());
                    b.loop().submit(() -> {}).get();
                    assertTrue(seen.isEmpty());
                    b.resumeReading();
                }
                case ADOPT_REPLACED -> client.adopt(withItsOwn(), Callbacks.builder()
                        .onConnect(connection -> connection.onRequest(this::see))
                        .onInput((connection, in) -> seen.add("the wrong one")).build());
                case ADOPT_NOTHING -> {
                    client.adopt(detached.get().descriptor(), request);
                    Support.send(peer, "later");
                }
                case ACCEPT -> {
                    peer = Support.connect(server);
                    Support.send(peer, "b's own");
                }
                case DIAL -> {
                    client.dial(service.getLocalSocketAddress(), request);
                    peer = service.accept();
                    Support.send(peer, "hello from the service");
                }
                case RESUME -> accepted.get().resumeReading();
                case REPLACE -> accepted.get().onRequest(this::see);
            }
        }

        void close() throws IOException {
            if (peer != null) {
                peer.close();
            }
            service.close();
            server.close();
            client.close();
        }
    }

    /** A connection over a unix socket is there at once, so it is read within the callback that dials it. */
    @Test
    void aConnectionThatIsReadWithinACallbackDoesNotTouchTheBytesOfThat() throws Exception {
        Path path = Files.createTempDirectory("np").resolve("s");
        CompletableFuture<String> outer = new CompletableFuture<>();
        CompletableFuture<String> inner = new CompletableFuture<>();
        CountDownLatch sent = new CountDownLatch(1);
        try (EventLoopGroup group = Support.group(1, (what, cause) -> outer.completeExceptionally(cause));
                ServerSocketChannel service = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                CallbackClient client = CallbackClient.builder().group(group).open()) {
            service.bind(UnixDomainSocketAddress.of(path));
            Thread speaker = new Thread(() -> {
                try (SocketChannel peer = service.accept()) {
                    peer.write(Support.bytes("x".repeat(1000)));
                    sent.countDown();
                    inner.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                } catch (Exception e) {
                    inner.completeExceptionally(e);
                }
            });
            speaker.start();
            try (CallbackServer server = Support.server().group(group).onRequest((connection, in) -> {
                client.dial(UnixAddress.path(path), Callbacks.builder()
                        .onConnect(dialed -> assertTrue(sent.await(10, TimeUnit.SECONDS)))
                        .onRequest((dialed, bytes) -> inner.complete(Support.take(bytes))).build());
                outer.complete(Support.take(in));
            }).listen(Support.loopback()); Socket a = Support.connect(server)) {
                Support.send(a, SECRET);
                assertEquals(SECRET, outer.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
                assertEquals("x".repeat(1000), inner.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            }
            speaker.join();
        } finally {
            Files.deleteIfExists(path);
            Files.deleteIfExists(path.getParent());
        }
    }

    @Test
    void aBufferThatACallbackHasKeptShowsNothingOfAnother() throws Exception {
        AtomicReference<ByteBuffer> kept = new AtomicReference<>();
        CountDownLatch shown = new CountDownLatch(1);
        try (CallbackServer server = Support.server().loops(1).onRequest((connection, in) -> {
            if (kept.compareAndSet(null, in)) {
                in.position(in.limit());
                shown.countDown();
            } else {
                connection.write(Support.bytes(kept.get().remaining() + " left"));
            }
        }).listen(Support.loopback()); Socket a = Support.connect(server); Socket b = Support.connect(server)) {
            Support.send(a, "first");
            assertTrue(shown.await(10, TimeUnit.SECONDS));
            Support.send(b, "SECRET");
            assertEquals("0 left", Support.receive(b, 6));
        }
    }
}
