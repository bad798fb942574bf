package io.netpark.callback;

import static io.netpark.callback.Between.NONE;
import static io.netpark.callback.Between.get;
import static io.netpark.callback.Between.sending;
import static io.netpark.callback.Support.await;
import static io.netpark.callback.Support.patternBytes;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.receiveAll;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections whose callbacks run on workers while the core copies from and to them. */
@Timeout(60)
class WorkersRelayTest {

    private static final int LENGTH = 2_000_000;

    private final SegmentPool pool = SegmentPool.builder().build();
    private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Relayed> relayed = new CompletableFuture<>();
    private final CountDownLatch inside = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);

    @AfterEach
    void memoryIsBack() throws InterruptedException {
        await("memory is back", () -> pool.statistics().lentBytes() == 0);
    }

    private Between between(Workers workers, RequestHandler onRequest) throws Exception {
        return new Between(EventLoopGroup.builder().daemon(true), NONE,
                server -> server.workers(workers).segments(pool).onHalfClose(connection -> {
                    seen.add("half-close");
                    connection.shutdownOutput();
                }),
                (one, other) -> {
                    one.attach(other);
                    one.onRequest(onRequest);
                });
    }

    /** Asks for a relay, and lets more bytes come before it returns. */
    private void relayAndStay(CallbackConnection connection) throws InterruptedException {
        connection.relay(connection.attachment(CallbackConnection.class))
                .whenComplete((result, failure) -> Between.tell(relayed, result, failure));
        inside.countDown();
        leave.await();
    }

    @ParameterizedTest
    @ValueSource(strings = {"one thread", "four threads", "virtual", "caller runs", "often rejecting"})
    void aRelayBegunByACallbackCarriesAllThatFollows(String kind) throws Exception {
        leave.countDown();
        byte[] request = patternBytes(1, LENGTH);
        byte[] answer = patternBytes(2, LENGTH / 2);
        try (Workers workers = WorkersTest.workers(kind);
                Between between = between(workers, (connection, in) -> {
                    seen.add(Support.take(in.slice(in.position(), 3)));
                    in.position(in.position() + 3);
                    relayAndStay(connection);
                })) {
            send(between.client, "GO\n");
            Thread asking = sending(between.client, request, true);
            assertArrayEquals(request, between.service.getInputStream().readAllBytes());
            Thread answering = sending(between.service, answer, true);
            assertArrayEquals(answer, between.client.getInputStream().readAllBytes());
            assertEquals(new Relayed(LENGTH, LENGTH / 2), get(relayed));
            asking.join();
            answering.join();
            CallbackConnection one = between.accepted.join();
            await("both are closed", () -> !one.isOpen() && !between.dialed.join().isOpen());
            assertEquals("GO\n", seen.peek());
            assertTrue(seen.size() <= 2, seen::toString); // and the half-close, unless the connection ended before
        }
    }

    /** The loop reads on while a worker is in the callback. */
    @Test
    void bytesThatComeWhileTheCallbackRunsAreTheRelays() throws Exception {
        try (Workers workers = Workers.pool(2, 100);
                Between between = between(workers, (connection, in) -> {
                    seen.add(Support.take(in));
                    relayAndStay(connection);
                })) {
            CallbackConnection one = between.accepted.join();
            one.onRequest((connection, in) -> {
                seen.add(Support.take(in));
                inside.countDown();
                leave.await();
                relayAndStay(connection);
            });
            send(between.client, "GO");
            inside.await();
            send(between.client, "more");
            await("it is read", () -> isReadAhead(one, 4));
            leave.countDown();
            assertEquals("more", receive(between.service, 4));
            send(between.client, " and more");
            assertEquals(" and more", receive(between.service, 9));
            between.client.shutdownOutput();
            between.service.shutdownOutput();
            assertEquals(new Relayed(13, 0), get(relayed));
            assertEquals("GO", seen.poll());
        }
    }

    /** Bytes that a callback has not seen, as its worker is in the one before. */
    private static boolean isReadAhead(CallbackConnection connection, int bytes) {
        try {
            return connection.loop().submit(() -> connection.input.fresh() == bytes)
                    .get();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void anEndThatComesWhileTheCallbackRunsIsToldAfterTheRelay() throws Exception {
        try (Workers workers = Workers.pool(2, 100);
                Between between = between(workers, (connection, in) -> {
                    seen.add(Support.take(in));
                    relayAndStay(connection);
                })) {
            CallbackConnection one = between.accepted.join();
            send(between.client, "GO");
            inside.await();
            between.client.shutdownOutput();
            // Held already, so the loop reads no more: what it would have done is up to the relay.
            leave.countDown();
            assertEquals("", receiveAll(between.service)); // passed on
            assertEquals("[GO]", seen.toString());
            send(between.service, "answer");
            assertEquals("answer", receive(between.client, 6));
            between.service.shutdownOutput();
            assertEquals(new Relayed(0, 6), get(relayed));
            await("it is closed", () -> !one.isOpen());
        }
    }

    /** A copy and the end of a lease, say, may both wait for a callback. */
    @Test
    void whateverWaitsForTheCallbackIsDoneWhenItHasReturned() throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        CompletableFuture<Boolean> released = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100);
                Between between = between(workers, (connection, in) -> {
                    in.position(in.limit());
                    connection.copyTo(connection.attachment(CallbackConnection.class))
                            .whenComplete((result, failure) -> Between.tell(copied, result, failure));
                    inside.countDown();
                    leave.await();
                })) {
            CallbackConnection one = between.accepted.join();
            send(between.client, "GO");
            inside.await();
            one.loop().submit(() -> one.life.release(released::complete)).get();
            leave.countDown();
            assertFalse(get(released)); // it is being copied from
            Between.failure(copied);
        }
    }

    @Test
    void aCallbackThatAwaitsInputGetsItBeforeTheCopyBegins() throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100); Between between = between(workers, (connection, in) -> {})) {
            CallbackConnection one = between.accepted.join();
            one.onInput((connection, in) -> {
                inside.countDown();
                assertTrue(connection.awaitInput(6));
                seen.add(in.takeString(6));
            });
            send(between.client, "abc");
            inside.await();
            one.copyTo(between.dialed.join(), 4).whenComplete((result, failure) -> Between.tell(copied, result, failure));
            send(between.client, "def1234");
            assertEquals("1234", receive(between.service, 4));
            assertEquals(4, get(copied));
            assertEquals("abcdef", seen.poll());
        }
    }

    /** The one who closes does not wait for the worker, and the copy must not touch what the worker has in its hands. */
    @Test
    void aCopyFromAConnectionThatIsClosedWhileItsCallbackRunsFails() throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        CompletableFuture<String> rest = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 100); Between between = between(workers, (connection, in) -> {})) {
            CallbackConnection one = between.accepted.join();
            one.onInput((connection, in) -> {
                connection.close();
                connection.copyTo(connection.attachment(CallbackConnection.class))
                        .whenComplete((result, failure) -> Between.tell(copied, result, failure));
                inside.countDown();
                leave.await();
                rest.complete(in.takeString((int) in.available()));
            });
            send(between.client, "in the worker's hands");
            inside.await();
            Between.failure(copied);
            leave.countDown();
            assertEquals("in the worker's hands", get(rest));
        }
    }
}
