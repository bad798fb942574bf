package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ReplacedCallbackTest {

    /** Takes one line of the old protocol, and leaves what comes behind it to the new one. */
    @ParameterizedTest
    @CsvSource({
        "loop, request, request", "loop, request, input", "loop, input, request", "loop, input, input",
        "pool, request, request", "pool, request, input", "pool, input, request", "pool, input, input"
    })
    void theNewCallbackGetsWhatTheOldOneHasLeft(String threads, String from, String to) throws Exception {
        try (Workers workers = Workers.pool(2, 10)) {
            CallbackServer.Builder builder = Support.server().loops(1);
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
                    assertEquals("switch\n", in.takeString(7));
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
            connection.onInput((c, in) -> c.write(Support.bytes("[" + in.takeString((int) in.available()) + "]")));
        }
    }

    static List<Arguments> switches() {
        List<Arguments> all = new ArrayList<>();
        for (String threads : Support.threads()) {
            for (String from : List.of("request", "input")) {
                for (String to : List.of("request", "input")) {
                    all.add(Arguments.of(threads, from, to));
                }
            }
        }
        return all;
    }

    private static CallbackServer.Builder builder(Workers workers) {
        CallbackServer.Builder builder = Support.server().loops(1);
        return workers == null ? builder : builder.workers(workers);
    }

    /** Much follows the line that switches, so it is read many times in that turn. */
    @ParameterizedTest
    @MethodSource("switches")
    void theOldCallbackIsNotCalledOnceItHasBeenReplaced(String threads, String from, String to) throws Exception {
        AtomicInteger calls = new AtomicInteger();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = builder(workers);
            if (from.equals("request")) {
                builder.onRequest((connection, in) -> {
                    calls.incrementAndGet();
                    text(in, 1);
                    echo(connection, to);
                });
            } else {
                builder.onInput((connection, in) -> {
                    calls.incrementAndGet();
                    in.skip(1);
                    echo(connection, to);
                });
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                byte[] all = Support.patternBytes(3, 2_000_000);
                Thread sending = Between.sending(socket, all, true);
                byte[] echoed = socket.getInputStream().readAllBytes();
                assertArrayEquals(Arrays.copyOfRange(all, 1, all.length), echoed);
                assertEquals(1, calls.get());
                sending.join();
            }
        }
    }

    private static void echo(CallbackConnection connection, String to) {
        if (to.equals("request")) {
            connection.onRequest((c, in) -> c.write(in));
        } else {
            connection.onInput((c, in) -> c.write(in.slice(in.available())));
        }
    }

    /** What one may leave unread, and what happens then, is nothing to the other. */
    @ParameterizedTest
    @MethodSource("switches")
    void aSwitchWithMuchUnreadMeetsNoLimit(String threads, String from, String to) throws Exception {
        int size = 900_000;
        int first = from.equals("input") ? 500_000 : 50_000;
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = builder(workers);
            if (from.equals("request")) {
                builder.onRequest((connection, in) -> {
                    if (in.remaining() >= first) {
                        echo(connection, to);
                    }
                });
            } else {
                builder.onInput((connection, in) -> {
                    if (in.available() >= first) {
                        echo(connection, to);
                    }
                });
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                byte[] all = Support.patternBytes(4, size);
                Thread sending = Between.sending(socket, all, true);
                assertArrayEquals(all, socket.getInputStream().readAllBytes());
                sending.join();
            }
        }
    }

    /** Those who take a message a call and ask for the next are not at a limit either. */
    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void whoAsksAgainIsNotAtItsLimit(String threads) throws Exception {
        int size = 200_000;
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = builder(workers).atInputLimit(AtLimit.CLOSE).inputLimit(300_000)
                    .onInput((connection, in) -> {
                        if (in.available() >= size) {
                            connection.onRequest((c, bytes) -> {
                                bytes.limit(Math.min(bytes.limit(), bytes.position() + 20_000));
                                c.write(bytes);
                                c.requestAgain();
                            });
                        }
                    });
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                byte[] all = Support.patternBytes(4, size);
                Thread sending = Between.sending(socket, all, true);
                assertArrayEquals(all, socket.getInputStream().readAllBytes());
                sending.join();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"loop", "pool"})
    void replacingAgainAndAgainWhileBytesArriveLosesAndDoublesNone(String threads) throws Exception {
        CompletableFuture<CallbackConnection> opened = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 10)) {
            CallbackServer.Builder builder = Support.server().loops(1).onConnect(opened::complete)
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
                                c.write(ByteBuffer.wrap(in.takeBytes((int) some)));
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
        try (CallbackServer server = Support.server().loops(1)
                        .onPrepare(connection -> {
                            connection.onClose((c, cause) -> added.complete("added, cause " + cause));
                            return false;
                        })
                        .onConnect(connection -> events.append("connect"))
                        .onDisconnect((connection, cause) -> events.append("disconnect"))
                        .onClose((connection, cause) -> events.append("close"))
                        .ignoreInput()
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
        try (CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback());
                CallbackClient client = Support.client().loops(1).open()) {
            ExecutionException failure = assertThrows(ExecutionException.class, () -> client.dial(server.localAddress(),
                    Callbacks.builder().onPrepare(connection -> false).build()).get(10, TimeUnit.SECONDS));
            assertTrue(failure.getCause().getMessage().contains("closed here"), failure.getCause().getMessage());
            Support.await("none", () -> client.connections() == 0);
        }
    }

    @Test
    void futuresCompleteWhereTheyAreToldTo() throws Exception {
        ExecutorService there = Executors.newSingleThreadExecutor(task -> new Thread(task, "there"));
        try (CallbackServer server = Support.server().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                CallbackClient client = Support.client().loops(1).completeOn(there).open()) {
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
        try (CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback());
                CallbackClient client = Support.client().loops(1).open()) {
            CallbackConnection connection = client.dial(server.localAddress(),
                    Callbacks.builder().onClose((c, cause) -> events.append("close")).build()).get();
            connection.onClose((c, cause) -> events.append("added "));
            connection.closeAsync().get(10, TimeUnit.SECONDS);
            assertEquals("added close", events.toString());
            connection.closeAsync().get(10, TimeUnit.SECONDS);
        }
    }
}
