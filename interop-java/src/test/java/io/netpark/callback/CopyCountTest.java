package io.netpark.callback;

import static io.netpark.callback.Between.NONE;
import static io.netpark.callback.Between.get;
import static io.netpark.callback.Between.sending;
import static io.netpark.callback.Support.await;
import static io.netpark.callback.Support.patternBytes;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.core.loop.EventLoopGroup;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Copies that end after so many bytes, on the loop and on workers, with a request callback and with an input callback. */
@Timeout(60)
class CopyCountTest {

    /** Of a callback that takes three bytes and asks for a copy; later ones go back to the peer. */
    record Way(Support.Platform platform, boolean onWorkers, boolean input) {

        @Override
        public String toString() {
            return platform + (onWorkers ? ", workers" : ", loop") + (input ? ", onInput" : ", onRequest");
        }

        /** Tells {@code first} of three bytes, and echoes all others. */
        void begin(CallbackConnection connection, Runnable first) {
            CountDownLatch seen = new CountDownLatch(1);
            if (input) {
                connection.onInput((source, in) -> {
                    if (seen.getCount() > 0) {
                        seen.countDown();
                        in.skip(3);
                        first.run();
                    } else {
                        source.write(ByteBuffer.wrap(in.takeBytes((int) in.available())));
                    }
                });
            } else {
                connection.onRequest((source, in) -> {
                    if (seen.getCount() > 0) {
                        seen.countDown();
                        in.position(in.position() + 3);
                        first.run();
                    } else {
                        source.write(in);
                    }
                });
            }
        }
    }

    static Stream<Way> ways() {
        return Support.platforms().stream().flatMap(platform -> Stream.of(
                new Way(platform, false, false), new Way(platform, false, true),
                new Way(platform, true, false), new Way(platform, true, true)));
    }

    private static Between between(Way way, Workers workers, CompletableFuture<Long> copied, long count) throws Exception {
        UnaryOperator<CallbackServer.Builder> choices =
                server -> (way.onWorkers ? server.workers(workers) : server).onHalfClose(CallbackConnection::closeAfterWrites);
        return new Between(way.platform.group(), NONE, choices, (one, other) -> way.begin(one, () ->
                one.copyTo(other, count).whenComplete((result, failure) -> Between.tell(copied, result, failure))));
    }

    @ParameterizedTest
    @MethodSource("ways")
    void whatHasComeBehindTheCountGoesToTheCallback(Way way) throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100); Between between = between(way, workers, copied, 5)) {
            sending(between.client, "GO\n12345rest".getBytes(), true).join(); // also before the end, that has come with it
            assertEquals("12345", receive(between.service, 5));
            assertEquals(5, get(copied));
            assertEquals("rest", Support.receiveAll(between.client));
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void aStreamOfAnyLengthIsCutWhereItIsToBe(Way way) throws Exception {
        int count = 3_000_001; // more than a turn, and spliced
        byte[] body = patternBytes(7, count);
        CompletableFuture<Long> copied = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100); Between between = between(way, workers, copied, count)) {
            send(between.client, "GO\n");
            Thread sending = sending(between.client, body, false);
            assertArrayEquals(body, between.service.getInputStream().readNBytes(count));
            assertEquals(count, get(copied));
            sending.join();
            send(between.client, "again");
            assertEquals("again", receive(between.client, 5));
            between.dialed.join().write(Support.bytes("!"));
            assertEquals("!", receive(between.service, 1)); // nothing else was written to it
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void noBytesAreCopiedAndAShortStreamEndsBefore(Way way) throws Exception {
        CompletableFuture<Long> none = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100); Between between = between(way, workers, none, 0)) {
            send(between.client, "GO\nrest");
            assertEquals(0, get(none));
            assertEquals("rest", receive(between.client, 4));
            CallbackConnection source = between.accepted.join();
            await("it is given back", () -> !source.input.isLent());
            CompletableFuture<Long> more = source.copyTo(between.dialed.join(), 100);
            sending(between.client, "short".getBytes(), true).join();
            assertEquals(5, get(more));
            assertEquals("short", receive(between.service, 5));
            await("the end is told", () -> !source.isOpen());
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void whileReadingIsPausedTheRestWaits(Way way) throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        CompletableFuture<CallbackConnection> source = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100);
                Between between = new Between(way.platform.group(), NONE,
                        server -> way.onWorkers ? server.workers(workers) : server,
                        (one, other) -> way.begin(one, () -> {
                            one.pauseReading();
                            one.copyTo(other, 5).whenComplete((result, failure) -> Between.tell(copied, result, failure));
                            source.complete(one);
                        }))) {
            between.accepted.join().loop().submit(() -> {}).get(); // the new callback is not owed a call when bytes come
            send(between.client, "GO\n12345rest");
            assertEquals(5, get(copied));
            CallbackConnection paused = get(source);
            await("it is given back", () -> !paused.input.isLent());
            paused.loop().submit(() -> {}).get(); // whatever that has led to
            assertEquals(0, between.client.getInputStream().available());
            paused.resumeReading();
            assertEquals("rest", receive(between.client, 4));
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void theRestComesBeforeTheEndThatHasArrivedAlready(Way way) throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100);
                Between between = new Between(way.platform.group(), NONE,
                        server -> way.onWorkers ? server.workers(workers) : server,
                        (one, other) -> way.begin(one, () -> {
                            one.pauseReading();
                            one.copyTo(other, 5).thenApply(count -> {
                                one.resumeReading();
                                return count;
                            }).whenComplete((result, failure) -> Between.tell(copied, result, failure));
                        }))) {
            between.accepted.join().loop().submit(() -> {
                send(between.client, "GO\n12345rest"); // all of it is there when the loop looks
                between.client.shutdownOutput();
                return null;
            }).get();
            assertEquals(5, get(copied));
            assertEquals("rest", receive(between.client, 4));
        }
    }

    /** As a proxy does with messages that say how long they are. */
    @Test
    void oneCopyAfterAnotherSharesAStreamOut() throws Exception {
        List<Integer> lengths = List.of(1, 0, 70_000, 5, 2_500_000, 300, 64 * 1024, 1);
        ByteBuffer messages = ByteBuffer.allocate(lengths.stream().mapToInt(length -> 4 + length).sum());
        List<byte[]> bodies = new ArrayList<>();
        for (int length : lengths) {
            byte[] body = patternBytes(length, length);
            bodies.add(body);
            messages.putInt(length).put(body);
        }
        CompletableFuture<Void> ended = new CompletableFuture<>();
        try (Between between = new Between(EventLoopGroup.builder().daemon(true), NONE,
                server -> server.onHalfClose(connection -> {
                    connection.closeAfterWrites();
                    ended.complete(null);
                }),
                (one, other) -> one.onRequest((connection, in) -> {
                    if (in.remaining() >= 4) {
                        connection.copyTo(other, in.getInt());
                    }
                }))) {
            Thread sending = sending(between.client, messages.array(), true);
            for (byte[] body : bodies) {
                assertArrayEquals(body, between.service.getInputStream().readNBytes(body.length));
            }
            sending.join();
            get(ended);
        }
    }

    @Test
    void aNegativeCountIsRefusedAndNothingIsLent() throws Exception {
        try (Between between = new Between(EventLoopGroup.builder().daemon(true), NONE, server -> server, (one, other) -> {})) {
            CallbackConnection source = between.accepted.join();
            assertThrows(IllegalArgumentException.class, () -> source.copyTo(between.dialed.join(), -1));
            assertFalse(source.input.isLent());
        }
    }
}
