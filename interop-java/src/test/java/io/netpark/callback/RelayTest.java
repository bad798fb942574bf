package io.netpark.callback;

import static io.netpark.callback.Between.NONE;
import static io.netpark.callback.Between.failure;
import static io.netpark.callback.Between.get;
import static io.netpark.callback.Between.sending;
import static io.netpark.callback.Support.await;
import static io.netpark.callback.Support.patternBytes;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.receiveAll;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Connections that are copied from and to by the core. */
@Timeout(60)
class RelayTest {

    private static final int LENGTH = 3_000_000;

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void bothStreamsAndBothTheirEndsAreCarried(Support.Platform platform) throws Exception {
        CompletableFuture<Relayed> relayed = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server, (one, other) ->
                one.relay(other).whenComplete((result, failure) -> Between.tell(relayed, result, failure)))) {
            byte[] request = patternBytes(1, LENGTH);
            byte[] answer = patternBytes(2, LENGTH / 2);
            Thread asking = sending(between.client, request, true);
            assertArrayEquals(request, between.service.getInputStream().readAllBytes()); // and its end
            Thread answering = sending(between.service, answer, true);
            assertArrayEquals(answer, between.client.getInputStream().readAllBytes());
            assertEquals(new Relayed(LENGTH, LENGTH / 2), get(relayed));
            Support.join(asking);
            Support.join(answering);
            await("both are closed", () -> !between.accepted.join().isOpen() && !between.dialed.join().isOpen());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void whatTheCallbackHasLeftGoesFirstAndWhatWasWrittenBeforeThat(Support.Platform platform) throws Exception {
        CompletableFuture<Relayed> relayed = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server,
                (one, other) -> one.onRequest((connection, in) -> {
            int end = in.limit();
            assertEquals("GO\n", Support.take(in.limit(in.position() + 3)));
            in.limit(end);
            other.write(Support.bytes("<"));
            one.relay(other).whenComplete((result, failure) -> Between.tell(relayed, result, failure));
        }))) {
            send(between.client, "GO\nrest");
            assertEquals("<rest", receive(between.service, 5));
            send(between.client, " and more");
            assertEquals(" and more", receive(between.service, 9));
            send(between.service, "answer");
            assertEquals("answer", receive(between.client, 6));
            between.client.shutdownOutput();
            between.service.shutdownOutput();
            assertEquals(new Relayed(13, 6), get(relayed));
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aCopyEndsWithTheStreamAndCallbacksGoOn(Support.Platform platform) throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        CompletableFuture<Void> halfClosed = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server.onHalfClose(connection -> {
            halfClosed.complete(null);
        }), (one, other) -> {
            one.copyTo(other).whenComplete((result, failure) -> Between.tell(copied, result, failure));
        })) {
            Thread sending = sending(between.client, patternBytes(3, LENGTH), true);
            assertArrayEquals(patternBytes(3, LENGTH), between.service.getInputStream().readNBytes(LENGTH));
            assertEquals(LENGTH, get(copied));
            Support.join(sending);
            get(halfClosed);
            between.dialed.join().write(Support.bytes("!")); // the end has not been passed on
            assertEquals("!", receive(between.service, 1));
            between.accepted.join().write(Support.bytes("?"));
            assertEquals("?", receive(between.client, 1));
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void whatIsWrittenMeanwhileWaitsForItsEnd(Support.Platform platform) throws Exception {
        CompletableFuture<CompletableFuture<Long>> copy = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server,
                (one, other) -> copy.complete(one.copyTo(other)))) {
            send(between.client, "first");
            assertEquals("first", receive(between.service, 5));
            CompletableFuture<Void> written = between.dialed.join().writeAsync(Support.bytes("last"));
            send(between.client, "second");
            assertEquals("second", receive(between.service, 6));
            assertTrue(get(copy).cancel(false));
            assertEquals("last", receive(between.service, 4)); // nothing was on its way: the connection is as it was
            get(written);
        }
    }

    /** To the service, through a copy that waits for room when this has returned. */
    private static Thread sendingUntilNobodyReads(Between between) throws Exception {
        Thread sending = Support.thread(() -> {
            byte[] chunk = new byte[1 << 16];
            try {
                while (true) {
                    between.client.getOutputStream().write(chunk);
                }
            } catch (IOException closed) {
                // The test is over.
            }
        });
        sending.start();
        CallbackConnection target = between.dialed.join();
        for (int calm = 0; calm < 300; calm++) { // the kernel's buffers grow for a while
            await("nobody reads", () -> target.core.parked() == 2); // its own read, and the copy's write
            Support.sleep(1);
        }
        return sending;
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aSourceThatIsClosedOrResetEndsACopyThatWaitsForRoom(Support.Platform platform) throws Exception {
        for (boolean reset : new boolean[] {false, true}) {
            CompletableFuture<CompletableFuture<Long>> copy = new CompletableFuture<>();
            try (Between between = new Between(platform.group(), NONE, server -> server,
                    (one, other) -> copy.complete(one.copyTo(other)))) {
                Thread sending = sendingUntilNobodyReads(between);
                if (reset) {
                    Support.reset(between.client);
                } else {
                    between.accepted.join().close();
                }
                assertEquals(reset ? NetparkException.Reset.class : NetparkException.Closed.class, failure(get(copy)).getClass());
                CallbackConnection target = between.dialed.join();
                assertTrue(target.isOpen()); // its owner's affair
                if (reset) {
                    target.closeAfterWrites();
                } else {
                    target.shutdownOutput();
                }
                assertThrows(IOException.class, () -> receiveAll(between.service)); // what it has got does not look whole
                Support.join(sending);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void cancelledInTheMidstOfBytesItClosesTheTarget(Support.Platform platform) throws Exception {
        CompletableFuture<CompletableFuture<Long>> copy = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server,
                (one, other) -> copy.complete(one.copyTo(other)))) {
            Thread sending = sendingUntilNobodyReads(between);
            assertTrue(get(copy).cancel(false));
            await("the target is closed", () -> !between.dialed.join().isOpen());
            between.client.close();
            Support.join(sending);
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aFailureResetsBoth(Support.Platform platform) throws Exception {
        CompletableFuture<Relayed> relayed = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server, (one, other) ->
                one.relay(other).whenComplete((result, failure) -> Between.tell(relayed, result, failure)))) {
            send(between.client, "hello");
            assertEquals("hello", receive(between.service, 5));
            Support.reset(between.service);
            assertInstanceOf(NetparkException.Reset.class, failure(relayed));
            await("both are closed", () -> !between.accepted.join().isOpen() && !between.dialed.join().isOpen());
            assertThrows(IOException.class, () -> receiveAll(between.client)); // and it does not look like an end
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void idleTimeoutsSeeTheBytes(Support.Platform platform) throws Exception {
        Duration idle = Duration.ofSeconds(2);
        Pace.within(idle, pace -> tick(platform, idle, pace));
    }

    private static void tick(Support.Platform platform, Duration idle, Pace pace) throws Exception {
        CompletableFuture<Relayed> relayed = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server.idleTimeout(idle),
                (one, other) -> one.relay(other).whenComplete((result, failure) -> Between.tell(relayed, result, failure)))) {
            for (int i = 0; i < 6; i++) {
                Support.sleep(400);
                send(between.service, "tick");
                assertEquals("tick", receive(between.client, 4));
                pace.step();
            }
            assertInstanceOf(NetparkException.class, failure(relayed)); // nobody says anything any more
        }
    }

    @Test
    void aConnectionIsCopiedFromOnceAtATimeAndNotDetachedMeanwhile() throws Exception {
        CompletableFuture<CompletableFuture<Long>> copy = new CompletableFuture<>();
        try (Between between = new Between(Support.loops(), NONE, server -> server,
                (one, other) -> copy.complete(one.copyTo(other)))) {
            CallbackConnection one = between.accepted.join();
            CompletableFuture<Long> copying = get(copy);
            assertThrows(IllegalStateException.class, () -> one.copyTo(between.dialed.join()));
            assertThrows(IllegalStateException.class, () -> one.relay(between.dialed.join()));
            CompletableFuture<Throwable> refused = new CompletableFuture<>();
            one.loop().execute(() -> refused.complete(assertThrows(IllegalStateException.class, one::detach)));
            get(refused);
            send(between.client, "goes on");
            assertEquals("goes on", receive(between.service, 7));
            copying.cancel(false);
            one.onRequest((connection, in) -> connection.write(ByteBuffer.wrap(Support.take(in).getBytes())));
            await("it can be copied from again", () -> !one.input.isLent());
            send(between.client, "echo");
            assertEquals("echo", receive(between.client, 4));
        }
    }
}
