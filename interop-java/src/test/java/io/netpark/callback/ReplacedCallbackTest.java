package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplacedCallbackTest {

    /** Takes one line of the old protocol, and leaves what comes behind it to the new one. */
    @ParameterizedTest
    @CsvSource({
        "loop, request, request", "loop, request, input", "loop, input, request", "loop, input, input",
        "pool, request, request", "pool, request, input", "pool, input, request", "pool, input, input"
    })
    void theNewCallbackGetsWhatTheOldOneHasLeft(String threads, String from, String to) throws Exception {
        try (Workers workers = Workers.pool(2, 10)) {
            CallbackServer.Builder builder = CallbackServer.builder().loops(1);
            if (threads.equals("pool")) {
                builder.workers(workers);
            }
            if (from.equals("request")) {
                builder.onRequest((connection, in) -> {
                    assertEquals("switch\n", text(in, 7));
                    replace(connection, to);
                });
            } else {
                builder.onInput((connection, in) -> {
                    assertEquals("switch\n", in.readString(7));
                    replace(connection, to);
                });
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "switch\nnew");
                assertEquals("[new]", Support.receive(socket, 5));
                Support.send(socket, "er");
                assertEquals("[er]", Support.receive(socket, 4));
                socket.shutdownOutput();
                assertEquals("", Support.receiveAll(socket));
            }
        }
    }

    private static String text(ByteBuffer in, int count) {
        byte[] bytes = new byte[count];
        in.get(bytes);
        return new String(bytes);
    }

    private static void replace(CallbackConnection connection, String to) {
        if (to.equals("request")) {
            connection.onRequest((c, in) -> c.write(Support.bytes("[" + Support.take(in) + "]")));
        } else {
            connection.onInput((c, in) -> c.write(Support.bytes("[" + in.readString((int) in.available()) + "]")));
        }
    }

    @ParameterizedTest
    @CsvSource({"loop", "pool"})
    void replacingAgainAndAgainWhileBytesArriveLosesAndDoublesNone(String threads) throws Exception {
        CompletableFuture<CallbackConnection> opened = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 10)) {
            CallbackServer.Builder builder = CallbackServer.builder().loops(1).onConnect(opened::complete)
                    .onRequest((c, in) -> c.write(in));
            if (threads.equals("pool")) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                CallbackConnection connection = opened.get(10, TimeUnit.SECONDS);
                int size = 3_000_000;
                CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                    try {
                        socket.getOutputStream().write(Support.patternBytes(5, size));
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
                CompletableFuture<Void> replacing = CompletableFuture.runAsync(() -> {
                    for (int i = 0; !sent.isDone(); i++) {
                        if (i % 2 == 0) {
                            connection.onInput((c, in) -> {
                                long some = Math.max(1, in.available() * 2 / 3);
                                c.write(ByteBuffer.wrap(in.readBytes((int) some)));
                                c.requestAgain();
                            });
                        } else {
                            connection.onRequest((c, in) -> c.write(in));
                        }
                        Thread.yield();
                    }
                    connection.onRequest((c, in) -> c.write(in));
                });
                Support.assertPattern(5, size, socket.getInputStream());
                sent.get(10, TimeUnit.SECONDS);
                replacing.get(10, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aConnectionThatIsRefusedHasOnlyTheCloseCallbacksThatWereAdded() throws Exception {
        CompletableFuture<String> added = new CompletableFuture<>();
        StringBuffer events = new StringBuffer();
        try (CallbackServer server = CallbackServer.builder().loops(1)
                        .onPrepare(connection -> {
                            connection.onClose((c, cause) -> added.complete("added, cause " + cause));
                            return false;
                        })
                        .onConnect(connection -> events.append("connect"))
                        .onDisconnect((connection, cause) -> events.append("disconnect"))
                        .onClose((connection, cause) -> events.append("close"))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            assertEquals(-1, socket.getInputStream().read());
            assertEquals("added, cause null", added.get(10, TimeUnit.SECONDS));
            Support.await("removed", () -> server.connections() == 0);
            assertEquals("", events.toString());
        }
    }

    @Test
    void aDialThatPrepareRefusesFails() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).open()) {
            ExecutionException failure = assertThrows(ExecutionException.class, () -> client.dial(server.localAddress(),
                    Callbacks.builder().onPrepare(connection -> false).build()).get(10, TimeUnit.SECONDS));
            assertTrue(failure.getCause().getMessage().contains("closed here"), failure.getCause().getMessage());
            Support.await("none", () -> client.connections() == 0);
        }
    }

    @Test
    void futuresCompleteWhereTheyAreToldTo() throws Exception {
        ExecutorService there = Executors.newSingleThreadExecutor(task -> new Thread(task, "there"));
        try (CallbackServer server = CallbackServer.builder().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).completeOn(there).open()) {
            Executor held = there;
            CompletableFuture<Void> gate = new CompletableFuture<>();
            held.execute(gate::join); // so that what is chained below is chained before completion
            CompletableFuture<String> dialed = client.dial(server.localAddress(), Callbacks.builder().build())
                    .thenApply(connection -> Thread.currentThread().getName());
            gate.complete(null);
            assertEquals("there", dialed.get(10, TimeUnit.SECONDS));

            CallbackConnection connection = client.dial(server.localAddress(), Callbacks.builder().build()).get();
            CompletableFuture<Void> second = new CompletableFuture<>();
            held.execute(second::join);
            CompletableFuture<String> written =
                    connection.writeAsync(Support.bytes("x")).thenApply(none -> Thread.currentThread().getName());
            CompletableFuture<String> closed =
                    connection.closeAsync().thenApply(none -> Thread.currentThread().getName());
            second.complete(null);
            assertEquals("there", written.handle((name, failure) -> failure == null ? name : "there").get());
            assertEquals("there", closed.get(10, TimeUnit.SECONDS));
            there.shutdown();
            CompletableFuture<CallbackConnection> onTheLoop =
                    client.dial(server.localAddress(), Callbacks.builder().build());
            assertTrue(onTheLoop.get(10, TimeUnit.SECONDS).isOpen()); // rejected there, so completed all the same
        } finally {
            there.shutdown();
        }
    }

    @Test
    void closeAsyncCompletesAfterTheLastCloseCallback() throws Exception {
        StringBuffer events = new StringBuffer();
        try (CallbackServer server = CallbackServer.builder().loops(1).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).open()) {
            CallbackConnection connection = client.dial(server.localAddress(),
                    Callbacks.builder().onClose((c, cause) -> events.append("close")).build()).get();
            connection.onClose((c, cause) -> events.append("added "));
            connection.closeAsync().get(10, TimeUnit.SECONDS);
            assertEquals("added close", events.toString());
            connection.closeAsync().get(10, TimeUnit.SECONDS);
        }
    }
}
