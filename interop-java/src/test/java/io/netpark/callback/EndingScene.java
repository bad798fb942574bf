package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One connection and its end: the order and the count of its callbacks are those that {@link Callbacks} promises. */
final class EndingScene {

    enum Ending {
        /** From inside the callback. */
        CLOSE, CLOSE_AFTER_WRITES, SHUTDOWN_OUTPUT, THROW, CLOSE_SERVER, CLOSE_GROUP,
        /** While the callback runs, by others. */
        CLOSE_ELSEWHERE, PEER_ENDS, PEER_RESETS,
        /** When the callback has returned, by nobody. */
        READ_TIMEOUT, IDLE_TIMEOUT, DEADLINE, SHUTDOWN
    }

    enum Place { PREPARE, CONNECT, REQUEST, HALF_CLOSE, DISCONNECT, ADDED, CLOSE }

    /** The client. Any thread may call it. */
    interface Peer extends AutoCloseable {
        void send(String text) throws Exception;

        void shutdownOutput() throws Exception;

        boolean isOutputShutdown() throws Exception;

        void reset() throws Exception;

        @Override
        void close() throws IOException;
    }

    /** Where it is played: on which kernel, and how threads wait. */
    interface Stage {
        EventLoopGroup group(Support.Reports reports) throws Exception;

        CallbackServer.Builder server();

        InetSocketAddress address();

        /** Null for the loop. */
        @Nullable Workers workers(String threads);

        Peer connect(CallbackServer server) throws Exception;

        void await(String what, BooleanSupplier condition) throws InterruptedException;

        /** By another thread, for which the caller waits. */
        void elsewhere(Runnable action) throws InterruptedException;
    }

    private final Stage stage;
    private final String threads;
    private final boolean reader;
    private final Ending ending;
    private final Place place;
    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private final Support.Reports reports = new Support.Reports();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger addedRan = new AtomicInteger();
    private final AtomicBoolean reached = new AtomicBoolean();
    private final Exception thrown = new Exception("on purpose");
    private @Nullable CallbackServer server;
    private @Nullable EventLoopGroup group;
    private volatile @Nullable Peer peer;
    private int inside;

    EndingScene(Stage stage, String threads, boolean reader, Ending ending, Place place) {
        this.stage = stage;
        this.threads = threads;
        this.reader = reader;
        this.ending = ending;
        this.place = place;
    }

    void play() throws Exception {
        try (EventLoopGroup group = stage.group(reports)) {
            this.group = group;
            CallbackServer.Builder builder = stage.server().group(group)
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
                            ended.incrementAndGet();
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
            try (Workers workers = stage.workers(threads)) {
                if (workers != null) {
                    builder.workers(workers);
                }
                try (CallbackServer server = builder.listen(stage.address())) {
                    this.server = server;
                    try (Peer peer = stage.connect(server)) {
                        this.peer = peer;
                        drive(server, peer);
                    }
                    check(server);
                }
            }
        }
    }

    /** The client: sends, and ends, as far as the server lets it. */
    private void drive(CallbackServer server, Peer peer) throws Exception {
        try {
            if (place != Place.PREPARE && place != Place.CONNECT || ending == Ending.SHUTDOWN_OUTPUT) {
                peer.send("x");
            }
            if (place == Place.HALF_CLOSE || place.compareTo(Place.HALF_CLOSE) > 0
                    || ending == Ending.SHUTDOWN_OUTPUT) {
                peer.shutdownOutput();
            }
        } catch (Exception e) {
            // The server was faster.
        }
        stage.await("the place in " + events, () -> reached.get() || events.contains("CLOSE"));
        if (ending == Ending.SHUTDOWN) {
            server.shutdown(Shutdown.within(Duration.ofSeconds(10)));
        }
        stage.await("added callbacks in " + events, () -> addedRan.get() == 3);
        if (events.contains("CONNECT") || events.contains("DISCONNECT")) {
            stage.await("the close in " + events, () -> ended.get() == 1);
        }
    }

    private void added(CallbackConnection connection, String name) {
        if (!connection.loop().inLoop() && !connection.loop().isTerminated()) {
            wrong.add("added callback off the loop");
        }
        events.add(name);
        addedRan.incrementAndGet();
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
            if (here == place && reached.compareAndSet(false, true)) {
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
            case CLOSE_ELSEWHERE -> stage.elsewhere(connection::close);
            case PEER_ENDS -> {
                if (!peer().isOutputShutdown()) {
                    peer().shutdownOutput();
                }
            }
            case PEER_RESETS -> peer().reset();
            case DEADLINE -> connection.limit(Duration.ofMillis(10), "all");
            case READ_TIMEOUT, IDLE_TIMEOUT, SHUTDOWN -> { }
        }
    }

    private Peer peer() throws InterruptedException {
        stage.await("the client", () -> peer != null);
        return Objects.requireNonNull(peer);
    }

    private void check(CallbackServer server) throws Exception {
        stage.await("removed", () -> server.connections() == 0);
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
