package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndOfConnectionTest {

    private final Support.Reports reports = new Support.Reports();
    /** What the callbacks of all connections were, in order. */
    private final ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(1, reports);
    }

    @AfterEach
    void close() {
        group.close();
    }

    private CallbackServer.Builder recording() {
        return Support.server()
                .group(group)
                .onConnect(connection -> events.add("connect"))
                .onRequest((connection, in) -> {
                    events.add("request");
                    connection.write(in);
                })
                .onClose((connection, cause) -> {
                    events.add("close");
                    causes.add(Optional.ofNullable(cause));
                });
    }

    private NetparkException cause() throws InterruptedException {
        Optional<NetparkException> cause = Support.poll(causes);
        assertTrue(cause != null, "not closed");
        return cause.orElse(null);
    }

    @Test
    void aClientThatHalfClosesGetsAllBytesAndThenTheEnd() throws Exception {
        try (CallbackServer server = recording().listen(Support.loopback()); Socket socket = Support.connect(server)) {
            socket.setSoTimeout(20_000);
            byte[] bytes = Support.patternBytes(7, 4_000_000);
            Future<Void> sent = Support.start(() -> {
                socket.getOutputStream().write(bytes);
                socket.shutdownOutput();
                return null;
            });
            Support.assertPattern(7, bytes.length, socket.getInputStream());
            assertEquals(-1, socket.getInputStream().read());
            Support.get(sent);
            assertNull(cause());
        }
    }

    @Test
    void halfCloseIsAnEventAndTheAnswerCanStillBeWritten() throws Exception {
        try (CallbackServer server = recording()
                        .onRequest((connection, in) -> events.add(Support.take(in)))
                        .onHalfClose(connection -> {
                            events.add("half-close");
                            connection.loop().schedule(() -> {
                                connection.writeAsync(Support.bytes("late answer"));
                                connection.shutdownOutput();
                            }, 50, TimeUnit.MILLISECONDS);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "question");
            socket.shutdownOutput();
            assertEquals("late answer", Support.receiveAll(socket));
            assertNull(cause());
            assertEquals(List.of("connect", "question", "half-close", "close"), List.copyOf(events));
        }
    }

    @Test
    void bytesFollowedAtOnceByTheEndAreAllDelivered() throws Exception {
        int clients = Support.rounds(300);
        ConcurrentLinkedQueue<String> received = new ConcurrentLinkedQueue<>();
        try (CallbackServer server = recording()
                .onRequest((connection, in) -> received.add(Support.take(in)))
                .listen(Support.loopback())) {
            for (int i = 0; i < clients; i++) {
                try (Socket socket = Support.connect(server)) {
                    Support.send(socket, "last words");
                }
            }
            for (int i = 0; i < clients; i++) {
                assertNull(cause());
            }
            assertEquals("last words".repeat(clients), String.join("", received));
        }
    }

    @Test
    void aResetIsToldFromAnEnd() throws Exception {
        try (CallbackServer server = recording().listen(Support.loopback())) {
            Socket socket = Support.connect(server);
            Support.send(socket, "x");
            assertEquals("x", Support.receive(socket, 1));
            Support.reset(socket);
            assertInstanceOf(NetparkException.Reset.class, cause());
            assertEquals(List.of("connect", "request", "close"), List.copyOf(events));
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"connect", "request", "half-close", "close", "added close"})
    void aCallbackThatThrowsClosesItsConnectionAndNoOther(String thrower) throws Exception {
        Throwable error =
                thrower.equals("request") ? new StackOverflowError("on purpose") : new Exception("on purpose");
        boolean[] armed = {false};
        class Thrower {
            void at(String place) throws Exception {
                if (armed[0] && place.equals(thrower)) {
                    armed[0] = false;
                    if (error instanceof Error e) {
                        throw e;
                    }
                    throw (Exception) error;
                }
            }
        }
        Thrower thrown = new Thrower();
        ConcurrentLinkedQueue<String> added = new ConcurrentLinkedQueue<>();
        try (CallbackServer server = recording()
                        .onConnect(connection -> {
                            connection.onClose((c, cause) -> added.add("first"));
                            connection.onClose((c, cause) -> thrown.at("added close"));
                            connection.onClose((c, cause) -> added.add("third"));
                            thrown.at("connect");
                        })
                        .onRequest((connection, in) -> {
                            connection.write(in);
                            thrown.at("request");
                        })
                        .onHalfClose(connection -> {
                            thrown.at("half-close");
                            connection.closeAfterWrites();
                        })
                        .onClose((connection, cause) -> {
                            causes.add(Optional.ofNullable(cause));
                            thrown.at("close");
                        })
                        .listen(Support.loopback());
                Socket bystander = Support.connect(server)) {
            Support.send(bystander, "a");
            assertEquals("a", Support.receive(bystander, 1));
            Support.get(group.next().submit(() -> armed[0] = true));
            try (Socket socket = Support.connect(server)) {
                try {
                    Support.send(socket, "x");
                    socket.shutdownOutput();
                } catch (IOException | UncheckedIOException e) {
                    // The server was faster.
                }
                NetparkException cause = cause();
                if (thrower.endsWith("close") && !thrower.equals("half-close")) {
                    assertNull(cause);
                } else {
                    assertInstanceOf(NetparkException.Closed.class, cause);
                    assertSame(error, cause.getCause());
                }
            }
            Support.await("reported", () -> !reports.causes.isEmpty());
            assertEquals(List.of(error), List.copyOf(reports.causes));
            assertEquals(List.of("third", "first"), List.copyOf(added));
            Support.send(bystander, "b");
            assertEquals("b", Support.receive(bystander, 1));
            assertEquals(1, server.connections());
        }
    }

    @Test
    void closingInsideACallbackRunsCloseCallbacksAfterIt() throws Exception {
        try (CallbackServer server = recording()
                        .onRequest((connection, in) -> {
                            connection.close();
                            connection.close();
                            assertThrows(NetparkException.Closed.class, () -> connection.write(in));
                            events.add("request");
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertNull(cause());
            assertEquals(List.of("connect", "request", "close"), List.copyOf(events));
        }
    }

    @Test
    void closeAfterWritesSendsWhatIsPending() throws Exception {
        byte[] bytes = Support.patternBytes(3, Support.much(30_000_000));
        try (CallbackServer server = recording()
                        .onConnect(connection -> {
                            connection.write(ByteBuffer.wrap(bytes));
                            assertTrue(connection.pendingBytes() > 0);
                            connection.closeAfterWrites();
                            assertTrue(connection.isOpen());
                            assertThrows(NetparkException.Closed.class, () -> connection.write(Support.bytes("more")));
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.assertPattern(3, bytes.length, socket.getInputStream());
            assertEquals(-1, socket.getInputStream().read());
            assertNull(cause());
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void closeDropsWhatIsPendingAndFailsItsFuture() throws Exception {
        CompletableFuture<CompletableFuture<Void>> write = new CompletableFuture<>();
        try (CallbackServer server = recording()
                        .onRequest((connection, in) -> { // not before the peer knows that it is connected: the reset would fail that
                            in.position(in.limit());
                            write.complete(connection.writeAsync(ByteBuffer.allocate(20_000_000)));
                            connection.close();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertNull(cause());
            ExecutionException failure = assertThrows(ExecutionException.class,
                    () -> Support.get(Support.get(write)));
            assertInstanceOf(NetparkException.Closed.class, failure.getCause());
            assertTrue(socket.isConnected());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reading", "paused", "ended", "inside"})
    void closingTheGroupEndsConnectionsInAnyState(String state) throws Exception {
        CompletableFuture<Void> ready = new CompletableFuture<>();
        CallbackServer server = recording()
                .onRequest((connection, in) -> {
                    if (state.equals("paused")) {
                        connection.pauseReading();
                    }
                    if (state.equals("inside")) {
                        group.close();
                    }
                    ready.complete(null);
                })
                .onHalfClose(connection -> ready.complete(null))
                .listen(Support.loopback());
        try (Socket socket = Support.connect(server)) {
            if (state.equals("ended")) {
                socket.shutdownOutput();
            } else {
                Support.send(socket, "x");
            }
            Support.get(ready);
            Support.sleep(20);
            group.close();
            assertInstanceOf(NetparkException.Closed.class, cause());
            Support.await("its callbacks have run", () -> server.connections() == 0);
        }
    }
}
