package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ShutdownTest {

    private static final Duration LONG = Duration.ofSeconds(60);

    private static CallbackServer.Builder echo() {
        return Support.server().loops(1).onRequest((connection, in) -> connection.write(in));
    }

    private static Shutdown.Report get(Future<Shutdown.Report> report) throws Exception {
        return Support.get(report);
    }

    /**
     * A shutdown that has closed an idle connection, and has looked at all others of the server, which has one loop: what these do from
     * now on is that they finish. It looks at them one by one, so one that has finished before it was looked at is idle as well.
     */
    private static CompletableFuture<Shutdown.Report> shutDown(CallbackServer server, Socket idle) throws Exception {
        CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();
        Thread thread = Support.thread(() -> report.complete(server.shutdown(Shutdown.within(LONG))));
        thread.start();
        assertEquals(-1, idle.getInputStream().read());
        Support.awaitState(thread, Thread.State.TIMED_WAITING); // for the others
        Support.get(server.group().first().submit(() -> {})); // what it has the loop do is done
        return report;
    }

    @Test
    void idleConnectionsAreClosedAtOnceAndBusyOnesWhenTheyHaveFinished() throws Exception {
        CompletableFuture<Exchange> exchange = new CompletableFuture<>();
        CompletableFuture<CallbackConnection> asked = new CompletableFuture<>();
        try (CallbackServer server = Support.server().loops(1)
                        .onRequest((connection, in) -> {
                            in.position(in.limit());
                            exchange.complete(connection.beginExchange());
                            asked.complete(connection);
                        })
                        .listen(Support.loopback());
                Socket idle = Support.connect(server);
                Socket busy = Support.connect(server)) {
            Support.send(busy, "question");
            CallbackConnection connection = Support.get(asked);
            Support.await("both", () -> server.connections() == 2);
            assertFalse(connection.isDraining());
            CompletableFuture<Shutdown.Report> report = shutDown(server, idle);
            assertTrue(connection.isDraining());
            assertFalse(report.isDone());
            connection.write(Support.bytes("answer"));
            exchange.join().close();
            assertEquals("answer", Support.receiveAll(busy));
            assertEquals(new Shutdown.Report(1, 1, 0, 0), get(report));
        }
    }

    @Test
    void aRequestThatHasArrivedIsAnsweredThoughItsConnectionSeemedIdle() throws Exception {
        int clients = 50;
        try (EventLoopGroup group = Support.loops().loops(1).metrics(true).open();
                CallbackServer server = echo().group(group).listen(Support.loopback())) {
            List<Socket> sockets = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                sockets.add(Support.connect(server));
            }
            Support.await("all", () -> server.connections() == clients);
            CountDownLatch hold = new CountDownLatch(1);
            group.next().execute(() -> {
                try {
                    Support.await(hold);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            // In the turn after: the loop looks at the sockets and finds nothing, then requests arrive, then idle connections end.
            group.next().execute(() -> {
                for (Socket socket : sockets) {
                    Support.send(socket, "just in time");
                }
            });
            Future<Shutdown.Report> report = Support.start(() -> server.shutdown(Shutdown.within(LONG)));
            Support.await("ending the idle ones is queued", () -> group.snapshot().total().pendingTasks() > clients);
            hold.countDown();
            for (Socket socket : sockets) {
                assertEquals("just in time", Support.receiveAll(socket));
                socket.close();
            }
            Shutdown.Report done = get(report); // whether one was idle depends on what its loop came to first
            assertEquals(clients, done.idle() + done.finished(), done.toString());
        }
    }

    /** A read that was short parks the next without asking the kernel; what the kernel has by then is asked for before the end. */
    @Test
    void aRequestThatCameWhileTheLastOneWasAnsweredIsAnsweredToo() throws Exception {
        int length = 200_000;
        CountDownLatch answering = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (EventLoopGroup group = Support.loops().loops(1).metrics(true).open();
                CallbackServer server = Support.server().group(group).onRequest((connection, in) -> {
                    answering.countDown();
                    Support.await(goOn);
                    while (in.hasRemaining()) {
                        connection.write(ByteBuffer.wrap(Support.patternBytes(in.get(), length)));
                    }
                }).listen(Support.loopback());
                Socket client = Support.connect(server, 4096)) {
            Support.send(client, "\1");
            Support.await(answering);
            Future<Shutdown.Report> report = Support.start(() -> server.shutdown(Shutdown.within(LONG)));
            Support.await("ending the idle ones is queued", () -> group.snapshot().total().pendingTasks() > 0);
            Support.send(client, "\2");
            goOn.countDown();
            Support.assertPattern(1, length, client.getInputStream());
            Support.assertPattern(2, length, client.getInputStream());
            assertEquals(-1, client.getInputStream().read());
            Shutdown.Report done = get(report); // whether it was idle depends on which request it was looked at after
            assertEquals(1, done.idle() + done.finished(), done.toString());
        }
    }

    @Test
    void aCallbackThatAWorkerRunsIsWaitedForAndNoLonger() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        try (Workers workers = Support.pool(1, 1);
                CallbackServer server = Support.server().loops(1).workers(workers)
                        .onRequest((connection, in) -> {
                            inside.countDown();
                            Support.await(release);
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket idle = Support.connect(server);
                Socket busy = Support.connect(server)) {
            Support.send(busy, "x");
            Support.await(inside);
            Support.await("both", () -> server.connections() == 2);
            CompletableFuture<Shutdown.Report> report = shutDown(server, idle);
            assertFalse(report.isDone());
            release.countDown();
            assertEquals("x", Support.receiveAll(busy));
            assertEquals(new Shutdown.Report(1, 1, 0, 0), get(report));
        }
    }

    @Test
    void aPeerThatHasEndedItsStreamStillGetsItsAnswer() throws Exception {
        CompletableFuture<CallbackConnection> ended = new CompletableFuture<>();
        try (CallbackServer server = echo().onHalfClose(ended::complete).listen(Support.loopback());
                Socket idle = Support.connect(server);
                Socket client = Support.connect(server)) {
            client.shutdownOutput();
            CallbackConnection connection = Support.get(ended);
            Support.await("both", () -> server.connections() == 2);
            CompletableFuture<Shutdown.Report> report = shutDown(server, idle);
            connection.write(Support.bytes("late"));
            connection.closeAfterWrites();
            assertEquals("late", Support.receiveAll(client));
            assertEquals(new Shutdown.Report(1, 1, 0, 0), get(report));
        }
    }

    @Test
    void acceptingGoesOnWhileTheEndIsAnnounced() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback())) {
            Future<Shutdown.Report> report = Support.start(
                    () -> server.shutdown(Shutdown.within(LONG).announcing(LONG)));
            Support.await("draining", server::isDraining);
            try (Socket late = Support.connect(server)) {
                Support.send(late, "x");
                assertEquals("x", Support.receive(late, 1));
            }
            assertFalse(report.isDone());
            Support.await("it has left", () -> server.connections() == 0);
            server.shutdown(Shutdown.within(Duration.ZERO)); // the first one hears the same, and waits no longer
            assertEquals(0, get(report).cut());
        }
    }

    @Test
    void whatIsWrittenIsFlushedAndTheRestIsCut() throws Exception {
        byte[] answer = Support.patternBytes(1, Support.much(10_000_000));
        CountDownLatch written = new CountDownLatch(2); // a connection is counted before its callback has run
        try (CallbackServer server = Support.server().loops(1)
                        .onConnect(connection -> {
                            connection.write(ByteBuffer.wrap(answer));
                            written.countDown();
                        })
                        .ignoreInput()
                        .listen(Support.loopback());
                Socket slow = Support.connect(server);
                Socket deaf = Support.connect(server, 16_384)) {
            Support.await(written);
            Future<Shutdown.Report> report = Support.start(
                    () -> server.shutdown(Shutdown.within(Duration.ofMillis(100)).flushing(Duration.ofSeconds(5))));
            Support.await("draining", server::isDraining);
            Support.sleep(200);
            Support.assertPattern(1, answer.length, slow.getInputStream());
            assertEquals(-1, slow.getInputStream().read());
            Shutdown.Report done = get(report);
            assertEquals(1, done.cut(), done::toString);
            assertEquals(1, done.flushed() + done.idle() + done.finished(), done::toString);
            assertTrue(deaf.isConnected());
        }
    }

    @Test
    void everyCallWaitsAndHearsTheSame() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback()); Socket client = Support.connect(server)) {
            Support.await("one", () -> server.connections() == 1);
            Shutdown phases = Shutdown.within(Duration.ofMillis(300)).keepingIdle();
            List<Future<Shutdown.Report>> reports = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                reports.add(Support.start(() -> server.shutdown(phases)));
            }
            for (Future<Shutdown.Report> report : reports) {
                assertEquals(new Shutdown.Report(0, 0, 0, 1), get(report));
            }
            assertEquals(-1, client.getInputStream().read());
        }
    }

    @Test
    void anInterruptedShutdownCutsAtOnce() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback()); Socket client = Support.connect(server)) {
            Support.await("one", () -> server.connections() == 1);
            CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
            Thread closer = Support.thread(() -> {
                server.shutdown(Shutdown.within(LONG).keepingIdle());
                interrupted.complete(Thread.currentThread().isInterrupted());
            });
            closer.start();
            Support.await("draining", server::isDraining);
            closer.interrupt();
            assertTrue(Support.get(interrupted));
            assertEquals(-1, client.getInputStream().read());
        }
    }

    @Test
    void aCallbackCannotShutItsServerDown() throws Exception {
        CompletableFuture<CallbackServer> self = new CompletableFuture<>();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        try (Workers workers = Support.pool(1, 1);
                CallbackServer server = Support.server().loops(1).workers(workers)
                        .onRequest((connection, in) -> failure.complete(assertThrows(IllegalStateException.class,
                                () -> self.join().shutdown(Shutdown.within(LONG)))))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            self.complete(server);
            Support.send(socket, "x");
            Support.get(failure);
            ExecutionException onLoop = assertThrows(ExecutionException.class, () -> Support.get(server.group().next()
                    .submit(() -> server.shutdown(Shutdown.within(LONG)))));
            assertInstanceOf(IllegalStateException.class, onLoop.getCause());
        }
    }

    @Test
    void shuttingDownWhileClientsConnectWriteAndDialLosesNoAcceptedAnswer() throws Exception {
        for (int round = 0; round < Support.rounds(10); round++) {
            try (CallbackServer server = echo().loops(2).listen(Support.loopback())) {
                List<Future<String>> clients = new ArrayList<>();
                CountDownLatch started = new CountDownLatch(4);
                for (int i = 0; i < 4; i++) {
                    clients.add(Support.start(() -> exchangeUntilRefused(server, started)));
                }
                Support.await(started);
                server.shutdown(Shutdown.within(LONG));
                for (Future<String> client : clients) {
                    assertEquals("", Support.get(client));
                }
                assertEquals(0, server.connections());
            }
        }
    }

    /** Returns what was wrong: an answer that was begun and not finished. */
    private static String exchangeUntilRefused(CallbackServer server, CountDownLatch started) {
        while (true) {
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "0123456789");
                String answer = Support.receive(socket, 10);
                started.countDown();
                if (!answer.isEmpty() && answer.length() < 10) {
                    return "part of an answer: " + answer;
                }
            } catch (Exception e) {
                return ""; // refused, or reset in the backlog
            }
        }
    }

    @Test
    void timesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> Shutdown.within(Duration.ofMillis(-1)));
        assertEquals("1 idle, 2 finished, 3 flushed, 4 cut off", new Shutdown.Report(1, 2, 3, 4).toString());
    }

    @Test
    void whatIsCutSaysWhy() throws Exception {
        CompletableFuture<NetparkException> cause = new CompletableFuture<>();
        try (CallbackServer server = echo().onClose((connection, why) -> cause.complete(why)).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.await("one", () -> server.connections() == 1);
            server.shutdown(Shutdown.within(Duration.ZERO).keepingIdle());
            assertTrue(Support.get(cause).getMessage().contains("time to finish was over"));
            assertEquals(-1, client.getInputStream().read());
        }
    }
}
