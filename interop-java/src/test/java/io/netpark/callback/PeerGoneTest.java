package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Who works for a peer, and does not read, learns that it has gone. */
@Timeout(60)
class PeerGoneTest {

    static List<Arguments> everywhere() {
        List<Arguments> all = new ArrayList<>();
        for (Support.Platform platform : Support.platforms()) {
            for (String threads : Support.threads()) {
                all.add(Arguments.of(platform, threads));
            }
        }
        return all;
    }

    private final CompletableFuture<CallbackConnection> asked = new CompletableFuture<>();
    private final CompletableFuture<Throwable> disconnected = new CompletableFuture<>();
    private final CompletableFuture<Boolean> halfClosed = new CompletableFuture<>();

    /** Its callback pauses and leaves the answer to others. */
    private CallbackServer.Builder pausing(EventLoopGroup group, Workers workers) {
        CallbackServer.Builder builder = Support.server().group(group)
                .onRequest((connection, in) -> {
                    in.position(in.limit());
                    connection.pauseReading();
                    asked.complete(connection);
                })
                .onDisconnect((connection, cause) -> disconnected.complete(cause));
        return workers == null ? builder : builder.workers(workers);
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void aResetEndsAPausedConnection(Support.Platform platform, String threads) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads);
                CallbackServer server = pausing(group, workers).listen(Support.loopback())) {
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                assertEquals(PeerState.PRESENT, Support.get(asked).peerState());
                Support.reset(socket);
            }
            assertInstanceOf(NetparkException.Reset.class, Support.get(disconnected));
            assertEquals(PeerState.CLOSED, asked.join().peerState());
        }
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void theHalfCloseCallbackIsCalledWhileReadingIsPaused(Support.Platform platform, String threads) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads);
                CallbackServer server = pausing(group, workers).onHalfClose(connection -> halfClosed.complete(true))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            CallbackConnection connection = Support.get(asked);
            socket.shutdownOutput();
            assertEquals(true, Support.get(halfClosed));
            assertEquals(PeerState.HALF_CLOSED, connection.peerState());
            connection.write(Support.bytes("answer"));
            connection.resumeReading();
            connection.closeAfterWrites();
            assertEquals("answer", Support.receiveAll(socket));
        }
    }

    /** It may be waiting for the answer. */
    @ParameterizedTest
    @MethodSource("everywhere")
    void withoutThatCallbackAPausedConnectionStaysForItsAnswer(Support.Platform platform, String threads) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads);
                CallbackServer server = pausing(group, workers).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            CallbackConnection connection = Support.get(asked);
            socket.shutdownOutput();
            Support.await("known", () -> connection.peerState() == PeerState.HALF_CLOSED);
            Support.get(connection.loop().submit(() -> {}));
            assertFalse(disconnected.isDone());
            connection.write(Support.bytes("answer"));
            connection.resumeReading();
            assertEquals("answer", Support.receiveAll(socket));
        }
    }

    /** What has come before the end is delivered before the end, however long reading is paused. */
    @ParameterizedTest
    @MethodSource("everywhere")
    void bytesBeforeTheEndAreNotGivenUp(Support.Platform platform, String threads) throws Exception {
        StringBuffer seen = new StringBuffer();
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads);
                CallbackServer server = pausing(group, workers)
                        .onRequest((connection, in) -> {
                            seen.append(Support.take(in));
                            connection.pauseReading();
                            asked.complete(connection);
                        })
                        .onHalfClose(connection -> {
                            seen.append(".");
                            connection.closeAfterWrites();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            CallbackConnection connection = Support.get(asked);
            Support.get(connection.loop().submit(() -> {}));
            Support.send(socket, "more");
            socket.shutdownOutput();
            Support.await("known", () -> connection.peerState() == PeerState.HALF_CLOSED);
            Support.get(connection.loop().submit(() -> {}));
            assertEquals("x", seen.toString());
            connection.resumeReading();
            assertEquals("", Support.receiveAll(socket));
            Support.await("told", () -> seen.toString().equals("xmore."));
        }
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void aWorkerCanAskWhetherItWorksInVain(Support.Platform platform, String threads) throws Exception {
        if (threads.equals("loop")) {
            return; // it would have to let the loop go on
        }
        CompletableFuture<PeerState> found = new CompletableFuture<>();
        CountDownLatch begun = new CountDownLatch(1);
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads);
                CallbackServer server = Support.server().group(group).workers(workers)
                        .onRequest((connection, in) -> {
                            in.position(in.limit());
                            begun.countDown();
                            while (connection.peerState() == PeerState.PRESENT) {
                                Support.sleep(1);
                            }
                            found.complete(connection.peerState());
                        }).listen(Support.loopback())) {
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                Support.await(begun);
            }
            assertEquals(PeerState.HALF_CLOSED, Support.get(found));
        }
    }

    /** At its input limit a connection is not read either. */
    @ParameterizedTest
    @MethodSource("everywhere")
    void aConnectionAtItsLimitIsWatchedToo(Support.Platform platform, String threads) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).open(); Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().group(group).inputLimit(4)
                    .onRequest((connection, in) -> {
                        if (in.remaining() >= 4) {
                            asked.complete(connection);
                        }
                    })
                    .onDisconnect((connection, cause) -> disconnected.complete(cause));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "four");
                Support.get(asked);
                Support.reset(socket);
                assertInstanceOf(NetparkException.Reset.class, Support.get(disconnected));
            }
        }
    }
}
