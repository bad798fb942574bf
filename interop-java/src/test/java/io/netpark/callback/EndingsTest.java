package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.netpark.callback.futures.Place;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every way in which a connection can end, at every place where it can, with every kind of thread: the order and the count of
 * its callbacks are those that {@link Callbacks} promises.
 */
class EndingsTest {

    private enum Ending {
        /** From inside the callback. */
        CLOSE, CLOSE_AFTER_WRITES, SHUTDOWN_OUTPUT, THROW, CLOSE_SERVER, CLOSE_GROUP,
        /** While the callback runs, by others. */
        CLOSE_ELSEWHERE, PEER_ENDS, PEER_RESETS,
        /** When the callback has returned, by nobody. */
        READ_TIMEOUT, IDLE_TIMEOUT, DEADLINE, SHUTDOWN
    }

    private enum Place { PREPARE, CONNECT, REQUEST, HALF_CLOSE, DISCONNECT, ADDED, CLOSE }

    private static final List<String> THREADS = List.of("loop", "pool", "virtual");

    @TestFactory
    Stream<DynamicTest> callbacksComeInOrderAndOnce() {
        List<DynamicTest> tests = new ArrayList<>();
        for (String threads : THREADS) {
            for (boolean reader : new boolean[] {false, true}) {
                for (Ending ending : Ending.values()) {
                    for (Place place : Place.values()) {
                        tests.add(dynamicTest(ending + " in " + place + " on " + threads + (reader ? ", input" : ""),
                                () -> new Scene(threads, reader, ending, place).play()));
                    }
                }
            }
        }
        return tests.stream();
    }

    /** One connection and its end. */
    private static final class Scene {
        final String threads;
        final boolean reader;
        final Ending ending;
        final Place place;
        final List<String> events = Collections.synchronizedList(new ArrayList<>());
        final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        final Support.Reports reports = new Support.Reports();
        final CountDownLatch ended = new CountDownLatch(1);
        final CountDownLatch addedRan = new CountDownLatch(3);
        final CountDownLatch reached = new CountDownLatch(1);
        final Exception thrown = new Exception("on purpose");
        @Nullable CallbackServer server;
        @Nullable EventLoopGroup group;
        final CompletableFuture<Socket> socket = new CompletableFuture<>();
        int inside;

        Scene(String threads, boolean reader, Ending ending, Place place) {
            this.threads = threads;
            this.reader = reader;
            this.ending = ending;
            this.place = place;
        }

        void play() throws Exception {
            assumeTrue(!threads.equals("virtual") || Runtime.version().feature() >= 21, "virtual threads need JDK 21");
            try (EventLoopGroup group = Support.group(1, reports)) {
                this.group = group;
                CallbackServer.Builder builder = CallbackServer.builder().group(group)
                        .onPrepare(connection -> {
                            connection.onClose((c, cause) -> added(c, "first"));
                            connection.onClose((c, cause) -> {
                                added(c, "second");
                                c.onClose((c2, cause2) -> added(c2, "late"));
                                at(Place.ADDED, c);
                            });
                            at(Place.PREPARE, connection);
                            return true;
                        })
                        .onConnect(connection -> at(Place.CONNECT, connection))
                        .onHalfClose(connection -> {
                            at(Place.HALF_CLOSE, connection);
                            if (connection.isOpen()) {
                                connection.closeAfterWrites();
                            }
                        })
                        .onDisconnect((connection, cause) -> at(Place.DISCONNECT, connection))
                        .onClose((connection, cause) -> {
                            try {
                                at(Place.CLOSE, connection);
                            } finally {
                                ended.countDown();
                            }
                        });
                if (reader) {
                    builder.onInput((connection, in) -> {
                        in.skip(in.available());
                        at(Place.REQUEST, connection);
                    });
                } else {
                    builder.onRequest((connection, in) -> {
                        in.position(in.limit());
                        at(Place.REQUEST, connection);
                    });
                }
                if (ending == Ending.READ_TIMEOUT) {
                    builder.readTimeout(Duration.ofMillis(30));
                } else if (ending == Ending.IDLE_TIMEOUT) {
                    builder.idleTimeout(Duration.ofMillis(30));
                }
                try (Workers workers = threads.equals("loop") ? null
                        : threads.equals("pool") ? Workers.pool(2, 10) : Workers.virtualThreads()) {
                    if (workers != null) {
                        builder.workers(workers);
                    }
                    try (CallbackServer server = builder.listen(Support.loopback())) {
                        this.server = server;
                        try (Socket socket = connect(server)) {
                            this.socket.complete(socket);
                            drive(server, socket);
                        }
                        check(server);
                    }
                }
            }
        }

        /** Not connected if the server was faster: it resets connections that the client does not know of yet. */
        private Socket connect(CallbackServer server) throws IOException {
            try {
                return Support.connect(server);
            } catch (SocketException e) {
                return new Socket();
            }
        }

        /** The client: sends, and ends, as far as the server lets it. */
        private void drive(CallbackServer server, Socket socket) throws Exception {
            try {
                if (place != Place.PREPARE && place != Place.CONNECT || ending == Ending.SHUTDOWN_OUTPUT) {
                    Support.send(socket, "x");
                }
                if (place == Place.HALF_CLOSE || place.compareTo(Place.HALF_CLOSE) > 0
                        || ending == Ending.SHUTDOWN_OUTPUT && !socket.isClosed()) {
                    socket.shutdownOutput();
                }
            } catch (Exception e) {
                // The server was faster.
            }
            assertTrue(reached.await(10, TimeUnit.SECONDS) || events.contains("CLOSE"), "place not reached: " + events);
            if (ending == Ending.SHUTDOWN) {
                server.shutdown(Shutdown.within(Duration.ofSeconds(10)));
            }
            Support.await("added callbacks in " + events, () -> addedRan.getCount() == 0);
            if (events.contains("CONNECT") || events.contains("DISCONNECT")) {
                assertTrue(ended.await(10, TimeUnit.SECONDS), "never closed: " + events);
            }
        }

        private void added(CallbackConnection connection, String name) {
            if (!connection.loop().inLoop() && !connection.loop().isTerminated()) {
                wrong.add("added callback off the loop");
            }
            events.add(name);
            addedRan.countDown();
        }

        private void at(Place here, CallbackConnection connection) throws Exception {
            synchronized (this) {
                if (here != Place.DISCONNECT && inside++ != 0) {
                    wrong.add(here + " inside another");
                }
            }
            try {
                events.add(here.name());
                boolean onLoop = connection.loop().inLoop();
                boolean work = here == Place.CONNECT || here == Place.REQUEST || here == Place.HALF_CLOSE;
                if (onLoop != (threads.equals("loop") || !work) && (work || !connection.loop().isTerminated())) {
                    wrong.add(here + (onLoop ? " on the loop" : " off the loop"));
                }
                if (here == place && reached.getCount() > 0) {
                    reached.countDown();
                    end(connection);
                }
            } finally {
                synchronized (this) {
                    if (here != Place.DISCONNECT) {
                        inside--;
                    }
                }
            }
        }

        private void end(CallbackConnection connection) throws Exception {
            switch (ending) {
                case CLOSE -> connection.close();
                case CLOSE_AFTER_WRITES -> connection.closeAfterWrites();
                case SHUTDOWN_OUTPUT -> connection.shutdownOutput();
                case THROW -> throw thrown;
                case CLOSE_SERVER -> server.close();
                case CLOSE_GROUP -> group.close();
                case CLOSE_ELSEWHERE -> {
                    Thread closer = new Thread(connection::close);
                    closer.start();
                    closer.join();
                }
                case PEER_ENDS -> {
                    if (!socket.join().isOutputShutdown()) {
                        socket.join().shutdownOutput();
                    }
                }
                case PEER_RESETS -> Support.reset(socket.join());
                case DEADLINE -> connection.limit(Duration.ofMillis(10), "all");
                case READ_TIMEOUT, IDLE_TIMEOUT, SHUTDOWN -> { }
            }
        }

        private void check(CallbackServer server) throws Exception {
            Support.await("removed", () -> server.connections() == 0);
            List<String> seen = List.copyOf(events);
            assertEquals(List.of(), List.copyOf(wrong), () -> "in " + seen);
            for (Place once : Place.values()) {
                if (once != Place.REQUEST && once != Place.ADDED) {
                    assertTrue(Collections.frequency(seen, once.name()) <= 1, () -> once + " twice in " + seen);
                }
            }
            assertEquals("PREPARE", seen.get(0));
            boolean accepted = seen.contains("DISCONNECT");
            assertEquals(accepted, seen.contains("CLOSE"), seen::toString);
            assertTrue(accepted || !seen.contains("CONNECT"), seen::toString);
            // The tail: after everything else, and in this order but for the late one, which comes where it is added.
            List<String> tail = new ArrayList<>(List.of("second", "ADDED", "first"));
            if (accepted) {
                tail.add("CLOSE");
            }
            List<String> withoutLate = new ArrayList<>(seen);
            withoutLate.removeAll(List.of("late", "DISCONNECT"));
            assertEquals(tail, withoutLate.subList(withoutLate.size() - tail.size(), withoutLate.size()));
            assertEquals(1, Collections.frequency(seen, "late"), seen::toString);
            if (accepted) {
                assertTrue(seen.indexOf("DISCONNECT") < seen.indexOf("second"), seen::toString);
            }
            int half = seen.indexOf(Place.HALF_CLOSE.name());
            assertTrue(half < 0 || half > seen.lastIndexOf(Place.REQUEST.name()), seen::toString);
            assertEquals(ending == Ending.THROW ? List.of(thrown) : List.of(), List.copyOf(reports.causes));
        }
    }
}
