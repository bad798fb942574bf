package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DialTest {

    private static final Callbacks NONE = Callbacks.builder().build();

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> Support.get(future)).getCause();
    }

    /** Listens with a backlog that is full, so that another connect stays pending. */
    private static final class Unanswering implements AutoCloseable {
        private final ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final List<Socket> waiting = new ArrayList<>();

        Unanswering() throws IOException {
            for (int i = 0; i < 10; i++) {
                Socket socket = new Socket();
                waiting.add(socket);
                try {
                    socket.connect(listener.getLocalSocketAddress(), 500);
                } catch (IOException full) {
                    return;
                }
            }
        }

        InetSocketAddress address() {
            return (InetSocketAddress) listener.getLocalSocketAddress();
        }

        @Override
        public void close() throws IOException {
            for (Socket socket : waiting) {
                socket.close();
            }
            listener.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void aClientTalksToAServerInOrder(String host) throws Exception {
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        try (CallbackServer server = Support.server()
                        .loops(1)
                        .onConnect(connection -> connection.write(Support.bytes("hello ")))
                        .onRequest((connection, in) -> connection.write(in))
                        .listen(host, 0);
                CallbackClient client = Support.client().loops(1).open()) {
            CompletableFuture<CallbackConnection> dialed = client.dial(server.localAddress(), Callbacks.builder()
                    .onConnect(connection -> {
                        assertTrue(connection.loop().inLoop());
                        connection.attach("mine");
                        events.add("connect");
                    })
                    .onRequest((connection, in) -> {
                        if (in.remaining() >= 11) {
                            events.add(Support.take(in));
                            connection.closeAfterWrites();
                        }
                    })
                    .onClose((connection, cause) -> events.add("close " + cause))
                    .build());
            CallbackConnection connection = Support.get(dialed);
            assertEquals("mine", connection.attachment(String.class));
            assertEquals(server.localAddress(), connection.remoteAddress());
            Support.get(connection.writeAsync(Support.bytes("world")));
            Support.await("closed", () -> client.connections() == 0 && server.connections() == 0);
            assertEquals(List.of("connect", "hello world", "close null"), List.copyOf(events));
            assertFalse(connection.isOpen());
        }
    }

    @Test
    void aRefusedDialSaysSoAndLeavesNothing() throws Exception {
        try (HeldPort held = new HeldPort(InetAddress.getLoopbackAddress());
                CallbackClient client = Support.client().loops(1).open()) {
            InetSocketAddress nobody = held.address();
            failure(client.dial(nobody, NONE)); // classes loaded, and the descriptors they need
            OpenDescriptors before = OpenDescriptors.now();
            for (int i = 0; i < 20; i++) {
                assertInstanceOf(NetparkException.Refused.class, failure(client.dial(nobody, NONE)));
            }
            before.awaitOpened(0);
            assertEquals(0, client.connections());
        }
    }

    @Test
    void aDialThatTakesTooLongTimesOutAndLeavesNothing() throws Exception {
        try (Unanswering server = new Unanswering();
                CallbackClient client =
                        Support.client().loops(1).connectTimeout(Duration.ofMillis(100)).open()) {
            failure(client.dial(server.address(), NONE)); // classes loaded, and the descriptors they need
            OpenDescriptors before = OpenDescriptors.now();
            NetparkException.TimedOut failure = assertInstanceOf(
                    NetparkException.TimedOut.class, failure(client.dial(server.address(), NONE)));
            assertEquals(NetparkException.Timeout.CONNECT, failure.timeout());
            before.awaitOpened(0);
        }
    }

    @Test
    void aCancelledDialClosesItsDescriptor() throws Exception {
        try (Unanswering server = new Unanswering(); CallbackClient client = Support.client().loops(1).open()) {
            OpenDescriptors before = OpenDescriptors.now();
            List<CompletableFuture<CallbackConnection>> dials = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                dials.add(client.dial(server.address(), NONE));
            }
            before.awaitOpened(10);
            dials.forEach(dial -> assertTrue(dial.cancel(true)));
            before.awaitOpened(0);
        }
    }

    @Test
    void cancellingWhileTheConnectionIsBeingMadeLeaksNothing() throws Exception {
        try (CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback());
                CallbackClient client = Support.client().loops(1).open()) {
            Support.get(client.dial(server.localAddress(), NONE)).close();
            Support.await("closed", () -> client.connections() == 0 && server.connections() == 0);
            OpenDescriptors before = OpenDescriptors.now();
            for (int i = 0; i < Support.rounds(500); i++) {
                CompletableFuture<CallbackConnection> dial = client.dial(server.localAddress(), NONE);
                for (int spin = 0; spin < i * 20; spin++) {
                    Thread.onSpinWait();
                }
                if (!dial.cancel(true)) {
                    Support.get(dial).close();
                }
            }
            before.awaitOpened(0);
            Support.await("none left", () -> client.connections() == 0);
        }
    }

    @Test
    void aConnectCallbackThatThrowsFailsTheDial() throws Exception {
        Exception thrown = new Exception("on purpose");
        Support.Reports reports = new Support.Reports();
        try (var group = Support.group(1, reports);
                CallbackServer server = Support.server().group(group).ignoreInput().listen(Support.loopback());
                CallbackClient client = Support.client().group(group).open()) {
            Throwable failure = failure(client.dial(server.localAddress(), Callbacks.builder()
                    .onConnect(connection -> {
                        throw thrown;
                    })
                    .build()));
            assertInstanceOf(NetparkException.Closed.class, failure);
            assertSame(thrown, failure.getCause().getCause());
            Support.await("the report", () -> List.copyOf(reports.causes).equals(List.of(thrown)));
        }
    }

    @Test
    void closingTheClientEndsDialsAndConnections() throws Exception {
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        try (Unanswering nobody = new Unanswering();
                CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback())) {
            CallbackClient client = Support.client().loops(1).open();
            Support.get(client.dial(server.localAddress(), Callbacks.builder()
                    .onClose((connection, cause) -> events.add(cause == null ? "normal" : "closed"))
                    .build()));
            CompletableFuture<CallbackConnection> pending = client.dial(nobody.address(), NONE);
            client.close();
            assertInstanceOf(NetparkException.Closed.class, failure(pending));
            assertEquals(List.of("closed"), List.copyOf(events));
            assertInstanceOf(NetparkException.Closed.class, failure(client.dial(server.localAddress(), NONE)));
        }
    }

    @Test
    void anAddressThatCannotBeDialedIsRefusedAtOnce() throws Exception {
        try (CallbackClient client = Support.client().loops(1).open()) {
            assertThrows(IllegalArgumentException.class, () -> client.dial("localhost", 0, NONE));
            assertThrows(IllegalArgumentException.class, () -> client.dial("", 80, NONE));
            assertThrows(IllegalArgumentException.class, () -> client.dial(Support.loopback(), NONE));
        }
    }

    @Test
    void aNameIsLookedUpAndItsAddressesTriedAsTheDialerSays() throws Exception {
        try (CallbackServer server = Support.server().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen("127.0.0.1", 0);
                CallbackClient client = Support.client().loops(1)
                        .dialer(dialer -> dialer.withResolver(host -> CompletableFuture.completedFuture(
                                List.of(InetAddress.getLoopbackAddress(), localhost6()))))
                        .open()) {
            Support.get(client.dial("db.internal", server.port(), NONE)).close();
            Support.get(client.dial(InetSocketAddress.createUnresolved("db.internal", server.port()), NONE)).close();
            try (HeldPort held = new HeldPort(InetAddress.getByName("::"))) { // of both families
                int port = held.address().getPort();
                Throwable failure = failure(client.dial("db.internal", port, NONE));
                assertInstanceOf(NetparkException.Refused.class, failure);
                assertTrue(failure.getMessage().contains("connect to db.internal:" + port)
                        && failure.getMessage().contains("127.0.0.1:" + port + ": ECONNREFUSED")
                        && failure.getMessage().contains("[::1]:" + port), failure.getMessage());
            }
        }
    }

    private static InetAddress localhost6() {
        try {
            return InetAddress.getByName("::1");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
