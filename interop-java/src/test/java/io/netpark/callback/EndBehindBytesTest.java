package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.netpark.callback.delivery.OnWorkers;
import io.netpark.core.net.streams.PeerState;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Callbacks that take one byte a call are shown all of them before they are told of the peer's end. */
@Timeout(60)
class EndBehindBytesTest {

    /** A schedule makes each byte dear. */
    private final String all = "0123456789".repeat(ScheduledRun.isOn() ? 1 : 5);

    /** How the next byte is asked for. */
    enum Way { AGAIN, REPLACED, OTHER_KIND, PAUSED_RESUMED_AGAIN, PAUSED_AGAIN_RESUMED, PAUSED_RESUMED, PAUSED_WITHIN }

    static List<Arguments> ways() {
        List<Arguments> all = new ArrayList<>();
        for (Way way : Way.values()) {
            for (String threads : Support.threads()) {
                for (boolean reader : new boolean[] {true, false}) {
                    for (boolean halfClose : new boolean[] {true, false}) {
                        all.add(Arguments.of(way, threads, reader, halfClose));
                    }
                }
            }
        }
        return all;
    }

    private void next(Way way, CallbackConnection connection, boolean reader) {
        switch (way) {
            case AGAIN -> connection.requestAgain();
            case REPLACED -> replace(way, connection, reader);
            case OTHER_KIND -> replace(way, connection, !reader);
            case PAUSED_WITHIN -> {
                connection.pauseReading();
                connection.requestAgain();
                connection.resumeReading();
            }
            default -> {
                connection.pauseReading();
                Support.thread(() -> {
                    if (way == Way.PAUSED_AGAIN_RESUMED) {
                        connection.requestAgain();
                    }
                    connection.resumeReading();
                    if (way == Way.PAUSED_RESUMED_AGAIN) {
                        connection.requestAgain();
                    }
                }).start();
            }
        }
    }

    private void replace(Way way, CallbackConnection connection, boolean reader) {
        if (reader) {
            connection.onInput((c, in) -> {
                c.write(Support.bytes(in.takeString(1)));
                next(way, c, true);
            });
        } else {
            connection.onRequest((c, in) -> {
                c.write(Support.bytes("" + (char) in.get()));
                next(way, c, false);
            });
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void everyByteIsAnsweredBeforeTheEndIsTold(Way way, String threads, boolean reader, boolean halfClose) throws Exception {
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().loops(1).ignoreInput().onConnect(connection -> replace(way, connection, reader));
            if (halfClose) {
                builder.onHalfClose(connection -> {
                    connection.write(Support.bytes("."));
                    connection.closeAfterWrites();
                });
            }
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, all);
                socket.shutdownOutput();
                assertEquals(halfClose ? all + "." : all, Support.receiveAll(socket));
            }
        }
    }

    /** Both halves have ended when the last byte has been shown, and not when it has been read. */
    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void anOutputThatHasBeenShutDownDoesNotCutTheInputOff(String threads) throws Exception {
        StringBuffer seen = new StringBuffer();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().loops(1)
                    .onConnect(CallbackConnection::shutdownOutput)
                    .onRequest((connection, in) -> {
                        seen.append((char) in.get());
                        connection.requestAgain();
                    })
                    .onHalfClose(connection -> seen.append("."));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, all);
                socket.shutdownOutput();
                assertEquals("", Support.receiveAll(socket));
                Support.await("closed", () -> server.connections() == 0);
                assertEquals(all + ".", seen.toString());
            }
        }
    }

    static List<String> threads() {
        return Support.threads();
    }

    /** There is no half-close callback that could answer, so all that could be done is to close. */
    @ParameterizedTest
    @MethodSource("threads")
    void whoPausesAtTheLastByteAnswersBeforeTheEndCounts(String threads) throws Exception {
        BlockingQueue<CallbackConnection> paused = new LinkedBlockingQueue<>();
        CallbackServer.Builder builder = Support.server().loops(1).onRequest((connection, in) -> {
            byte first = in.get();
            if (first == '1') {
                connection.requestAgain();
            } else {
                connection.pauseReading();
                paused.add(connection);
            }
        });
        try (Workers workers = Support.workers(threads)) {
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "012");
                CallbackConnection connection = Support.poll(paused);
                socket.shutdownOutput();
                Support.await("the end is here", () -> connection.peerState() == PeerState.HALF_CLOSED);
                connection.resumeReading();
                assertSame(connection, Support.poll(paused));
                for (int turn = 0; turn < 5; turn++) {
                    Support.get(connection.loop().submit(() -> {}));
                }
                connection.write(Support.bytes("answer"));
                connection.resumeReading();
                assertEquals("answer", Support.receiveAll(socket));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whoEndsItsOutputIsShownWhatHasComeMeanwhile(String threads) throws Exception {
        BlockingQueue<CallbackConnection> called = new LinkedBlockingQueue<>();
        CountDownLatch goOn = new CountDownLatch(1);
        StringBuffer seen = new StringBuffer();
        CountDownLatch closed = new CountDownLatch(1);
        CallbackServer.Builder builder = Support.server().loops(1).onRequest((connection, in) -> {
            while (in.hasRemaining()) {
                seen.append((char) in.get());
            }
            called.add(connection);
            if (connection.life.delivery() instanceof OnWorkers) {
                Support.await(goOn);
            }
            connection.shutdownOutput();
        }).onHalfClose(connection -> seen.append('.')).onClose((connection, cause) -> closed.countDown());
        try (Workers workers = Support.workers(threads)) {
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "a");
                CallbackConnection connection = Support.poll(called);
                Support.send(socket, "b");
                socket.shutdownOutput();
                if (workers != null) {
                    Support.await("all is here", () -> connection.input.isEnded());
                    goOn.countDown();
                }
                Support.await(closed);
                assertEquals("ab.", seen.toString());
            }
        }
    }

    /** The end is known by then, and there is always somebody who has the connection look for what is due. */
    @ParameterizedTest
    @MethodSource("threads")
    void aCopyThatIsCancelledBeforeItBeginsLeavesBytesInFrontOfTheEnd(String threads) throws Exception {
        for (int round = 0; round < 20; round++) {
            StringBuffer seen = new StringBuffer();
            CountDownLatch closed = new CountDownLatch(1);
            CallbackServer.Builder builder = Support.server().loops(1).onInput((connection, in) -> {
                boolean first = seen.isEmpty();
                seen.append(in.takeString(1));
                if (first && connection.life.delivery() instanceof OnWorkers) {
                    Support.await("the end is known", connection.input::isEnded);
                    Support.thread(() -> {
                        while (closed.getCount() > 0) {
                            connection.resumeReading();
                            Thread.yield();
                        }
                    }).start();
                }
                if (in.available() > 0) {
                    connection.copyTo(connection).cancel(false);
                }
            }).onHalfClose(connection -> {
                seen.append('.');
                connection.close();
            }).onClose((connection, cause) -> closed.countDown());
            try (Workers workers = Support.workers(threads)) {
                if (workers != null) {
                    builder.workers(workers);
                }
                try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                    Support.send(socket, "abcd");
                    socket.shutdownOutput();
                    Support.await(closed);
                    assertEquals("abcd.", seen.toString());
                } finally {
                    closed.countDown();
                }
            }
        }
    }
}
