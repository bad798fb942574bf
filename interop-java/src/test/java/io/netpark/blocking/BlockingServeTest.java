package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Pace;
import io.netpark.callback.Support;
import io.netpark.callback.Flavour;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.listening.Admission;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
@SuppressWarnings("try")
class BlockingServeTest {

    private final BlockingQueue<Throwable> reported = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
    private final BlockingFailureHandler onFailure = (connection, failure) -> told.add(failure);

    static List<Setting> settings() {
        return Setting.all();
    }

    /** Nothing that a test does not take. */
    @AfterEach
    void nothingElseWasSaid() {
        assertEquals(List.of(), List.copyOf(reported));
        assertEquals(List.of(), List.copyOf(told));
    }

    private Flavour flavour = Flavour.PLAIN;

    private interface Body {
        void run(EventLoopGroup group, BlockingListener listener) throws Exception;
    }

    private void withListener(Setting setting, Body body) throws Exception {
        flavour = setting.flavour();
        try (EventLoopGroup group = setting.open((what, cause) -> reported.add(cause));
                BlockingListener listener = setting.listen(group)) {
            body.run(group, listener);
        }
    }

    private Setting.Started<Void> serve(Setting setting, BlockingListener listener, BlockingHandler handler) {
        return serve(setting, listener, Setting.threads(), handler, onFailure);
    }

    private static Setting.Started<Void> serve(Setting setting, BlockingListener listener, Executor executor, BlockingHandler handler,
            BlockingFailureHandler onFailure) {
        return setting.start(() -> {
            listener.serve(executor, handler, onFailure);
            return null;
        });
    }

    private static final BlockingHandler ECHO = connection -> {
        while (connection.awaitRequest()) {
            connection.writer().putString(connection.awaitLine() + "\n");
            connection.flush();
        }
    };

    private BlockingConnection dial(BlockingListener listener) throws IOException {
        return BlockingConnection.dial(Dialer.of(listener.group()).withTls(flavour.clientTls()), listener.localAddress());
    }

    /** A loop that is in poll(2) holds on to the listening socket until that has returned. */
    private void awaitNobodyListens(BlockingListener listener) throws InterruptedException {
        Support.await("nobody listens", () -> {
            try {
                dial(listener).close();
                return false;
            } catch (IOException e) {
                return true;
            }
        });
    }

    private static String ask(BlockingConnection client, String question) throws IOException {
        client.writer().putString(question + "\n");
        client.flush();
        return client.awaitLine();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void eachConnectionHasAThreadUntilTheListenerIsClosed(Setting setting) throws Exception {
        withListener(setting, (group, listener) -> {
            Setting.Started<Void> serving = setting.start(() -> {
                listener.serve(ECHO);
                return null;
            });
            Setting.Started<Void> second = serve(setting, listener, ECHO); // several at a time
            for (int i = 0; i < Support.rounds(20); i++) {
                try (BlockingConnection client = dial(listener)) {
                    assertEquals("a", ask(client, "a"));
                    assertEquals("b", ask(client, "b"));
                }
            }
            BlockingConnection last = dial(listener);
            assertEquals("c", ask(last, "c"));
            listener.close();
            assertEquals("d", ask(last, "d")); // those that are open are served
            assertFalse(serving.task().isDone() && second.task().isDone());
            last.close();
            serving.get();
            second.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatAHandlerHasWrittenIsFlushedWhenItReturnsAndDroppedWhenItFails(Setting setting) throws Exception {
        withListener(setting, (group, listener) -> {
            Setting.Started<Void> serving = serve(setting, listener, connection -> {
                String line = connection.awaitLine();
                connection.writer().putString("half an answer");
                if ("fail".equals(line)) {
                    throw new IllegalStateException("on purpose");
                }
            });
            try (BlockingConnection client = dial(listener)) {
                client.writer().putString("well\n");
                client.flush();
                assertEquals("half an answer", client.awaitString(14));
                assertFalse(client.await(1));
            }
            try (BlockingConnection client = dial(listener)) {
                client.writer().putString("fail\n");
                client.flush();
                if (setting.isTcp()) {
                    assertThrows(NetparkException.Reset.class, () -> client.await(1)); // nothing that looks complete
                } else {
                    assertFalse(client.await(1));
                }
            }
            assertEquals("on purpose", Support.poll(told).getMessage());
            listener.close();
            serving.get();
            assertEquals(14, group.snapshot().total().bytesDropped());
            assertEquals(1, group.snapshot().total().handlerFailures());
        });
    }

    @Test
    void whatAPeerDoesIsCountedAndToldAndNeverReported() throws Exception {
        Setting setting = Setting.all().get(0);
        for (boolean tell : new boolean[] {false, true}) {
            withListener(setting, (group, listener) -> {
                CountDownLatch served = new CountDownLatch(3);
                Setting.Started<Void> serving = serve(setting, listener, Setting.threads(), connection -> {
                    try {
                        connection.awaitInt();
                    } finally {
                        served.countDown();
                    }
                }, tell ? onFailure : null);
                dial(listener).reset();
                try (BlockingConnection truncated = dial(listener)) {
                    truncated.write(new byte[] {1});
                    truncated.shutdownOutput();
                    truncated.await(1);
                }
                BlockingConnection empty = dial(listener);
                empty.close();
                Support.await(served);
                listener.close();
                serving.get();
                assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.RESET));
                assertEquals(2, group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED));
                assertEquals(0, group.snapshot().total().handlerFailures());
                assertEquals(tell ? 3 : 0, told.size());
                told.clear();
            });
        }
    }

    @Test
    void whatIsNotThePeersDoingIsReportedUnlessSomebodyIsTold() throws Exception {
        IllegalStateException thrown = new IllegalStateException("by who was told");
        assertSaid(null, reported);
        assertSaid(onFailure, told);
        assertSaid((connection, failure) -> {
            throw thrown;
        }, reported);
        assertSame(thrown, Support.poll(reported)); // both
    }

    private void assertSaid(BlockingFailureHandler onFailure, BlockingQueue<Throwable> where) throws Exception {
        Setting setting = Setting.all().get(0);
        withListener(setting, (group, listener) -> {
            Setting.Started<Void> serving = serve(setting, listener, Setting.threads(), connection -> {
                connection.await(1);
                try (BlockingListener other = setting.listen(group);
                        BlockingConnection near = dial(other);
                        BlockingConnection far = other.accept()) {
                    far.reset();
                    near.await(1); // a database that resets, say
                }
            }, onFailure);
            try (BlockingConnection client = dial(listener)) {
                client.write(new byte[1]);
                Throwable said = Support.poll(where);
                assertTrue(said instanceof NetparkException.Reset, String.valueOf(said));
            }
            listener.close();
            serving.get();
        });
    }

    @Test
    void anExecutorThatRejectsOrThrowsEndsOneConnection() throws Exception {
        Setting setting = Setting.all().get(0);
        withListener(setting, (group, listener) -> {
            BlockingQueue<RuntimeException> refusals = new LinkedBlockingQueue<>(
                    List.of(new RejectedExecutionException("full"), new IllegalStateException("broken")));
            Executor executor = task -> {
                RuntimeException refusal = refusals.poll();
                if (refusal != null) {
                    throw refusal;
                }
                Setting.threads().execute(task);
            };
            Setting.Started<Void> serving = serve(setting, listener, executor, ECHO, onFailure);
            for (String message : List.of("full", "broken")) {
                try (BlockingConnection client = dial(listener)) {
                    assertFalse(client.await(1));
                    assertEquals(message, Support.poll(told).getMessage());
                }
            }
            try (BlockingConnection client = dial(listener)) {
                assertEquals("served", ask(client, "served"));
            }
            listener.close();
            serving.get();
        });
    }

    @Test
    void anExecutorThatEndsWithHandlersInItsQueueIsFoundOut() throws Exception {
        Setting setting = Setting.all().get(0);
        ExecutorService pool = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
        withListener(setting, (group, listener) -> {
            CountDownLatch begun = new CountDownLatch(1);
            Setting.Started<Void> serving = serve(setting, listener, pool, connection -> {
                begun.countDown();
                connection.await(1);
            }, onFailure);
            try (BlockingConnection first = dial(listener); BlockingConnection queued = dial(listener)) {
                Support.await(begun);
                while (((ThreadPoolExecutor) pool).getQueue().isEmpty()) {
                    Thread.sleep(1);
                }
                listener.close();
                pool.shutdownNow();
                assertFalse(queued.await(1));
                serving.get();
                assertTrue(told.stream().anyMatch(RejectedExecutionException.class::isInstance), told.toString());
                told.clear();
            }
        });
    }

    @Test
    void aHandlerThatIsCutOffInTheQueueOfItsExecutorIsNotRunAndNotWaitedFor() throws Exception {
        Setting setting = Setting.all().get(0);
        ThreadPoolExecutor pool = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
        withListener(setting, (group, listener) -> {
            AtomicInteger run = new AtomicInteger();
            CountDownLatch leave = new CountDownLatch(1);
            Setting.Started<Void> serving = serve(setting, listener, pool, connection -> {
                run.incrementAndGet();
                while (leave.getCount() > 0) {
                    try {
                        leave.await();
                    } catch (InterruptedException e) {
                        // It does not want to feel that.
                    }
                }
            }, onFailure);
            try (BlockingConnection first = dial(listener); BlockingConnection queued = dial(listener)) {
                while (run.get() == 0 || pool.getQueue().isEmpty()) {
                    Thread.sleep(1);
                }
                assertEquals(new Shutdown.Report(0, 0, 0, 2), listener.shutdown(Shutdown.within(Duration.ZERO)));
                assertFalse(first.await(1));
                assertFalse(queued.await(1));
                pool.shutdownNow();
                leave.countDown();
                serving.task().get(10, TimeUnit.SECONDS);
                assertEquals(1, run.get());
            } finally {
                leave.countDown();
                pool.shutdownNow();
            }
        });
    }

    // The end

    @ParameterizedTest
    @MethodSource("settings")
    void aShutdownEndsIdleConnectionsAndLetsOthersFinishAndCutsOffTheRest(Setting setting) throws Exception {
        Duration time = Duration.ofSeconds(2);
        Pace.within(time, pace -> shutDown(setting, time, pace));
    }

    private void shutDown(Setting setting, Duration time, Pace pace) throws Exception {
        withListener(setting, (group, listener) -> {
            CountDownLatch busy = new CountDownLatch(2);
            CountDownLatch finish = new CountDownLatch(1);
            CountDownLatch interrupted = new CountDownLatch(1);
            AtomicReference<Thread> first = new AtomicReference<>();
            Setting.Started<Void> serving = serve(setting, listener, connection -> {
                first.compareAndSet(null, Thread.currentThread());
                while (connection.awaitRequest()) {
                    String line = connection.awaitLine();
                    if ("work".equals(line)) {
                        busy.countDown();
                        Support.await(finish);
                    } else if ("hang".equals(line)) {
                        busy.countDown();
                        try {
                            Support.await(new CountDownLatch(1));
                        } finally {
                            interrupted.countDown();
                        }
                    }
                    connection.writer().putString(line + " " + connection.isDraining() + "\n");
                    connection.flush();
                }
            });
            BlockingConnection idle = dial(listener);
            assertEquals("a false", ask(idle, "a"));
            Support.awaitState(first.get(), Thread.State.WAITING);
            BlockingConnection working = dial(listener);
            BlockingConnection hanging = dial(listener);
            working.write("work\n".getBytes());
            hanging.write("hang\n".getBytes());
            Support.await(busy);
            pace.step();
            Setting.Started<Shutdown.Report> ending = setting.start(() -> listener.shutdown(Shutdown.within(time)));
            assertFalse(idle.await(1)); // at once
            awaitNobodyListens(listener);
            finish.countDown();
            assertEquals("work true", working.awaitLine());
            assertFalse(working.await(1)); // when it comes to wait for a request
            pace.step();
            assertEquals(new Shutdown.Report(1, 1, 0, 1), ending.get());
            assertEquals(new Shutdown.Report(1, 1, 0, 1), listener.shutdown(Shutdown.within(Duration.ZERO)));
            Support.await(interrupted);
            serving.get();
            idle.close();
            working.close();
            hanging.close();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aShutdownDoesNotMakeAnAnswerThatWasCutOffLookWhole(Setting setting) throws Exception {
        withListener(setting, (group, listener) -> {
            CountDownLatch cutOff = new CountDownLatch(1);
            Setting.Started<Void> serving = serve(setting, listener, connection -> {
                connection.setWriteTimeout(Duration.ofMillis(50));
                try {
                    connection.write(new byte[32 << 20]); // more than the kernel takes
                } catch (NetparkException.TimedOut e) {
                    cutOff.countDown();
                }
                assertFalse(connection.awaitRequest());
            });
            try (BlockingConnection client = dial(listener)) {
                Support.await(cutOff);
                listener.shutdown(Shutdown.within(Duration.ofSeconds(20)));
                if (setting.isTcp()) { // unix sockets have no reset
                    assertThrows(NetparkException.Reset.class, () -> client.asInputStream().readAllBytes());
                }
            }
            serving.get();
        });
    }

    @Test
    void aRequestThatHasComeIsNotLostInAShutdown() throws Exception {
        Setting setting = Setting.all().get(0);
        for (int round = 0; round < Support.rounds(100); round++) {
            withListener(setting, (group, listener) -> {
                AtomicReference<Thread> handler = new AtomicReference<>();
                Setting.Started<Void> serving = serve(setting, listener, connection -> {
                    handler.set(Thread.currentThread());
                    ECHO.handle(connection);
                });
                try (BlockingConnection client = dial(listener)) {
                    assertEquals("a", ask(client, "a"));
                    // Until it waits for the next request it is not idle, and a shutdown finishes it without one.
                    Support.awaitState(handler.get(), Thread.State.WAITING);
                    Setting.Started<Shutdown.Report> ending =
                            setting.start(() -> listener.shutdown(Shutdown.within(Duration.ofSeconds(10))));
                    client.write("b\n".getBytes());
                    String answer = client.awaitLine();
                    Shutdown.Report report = ending.get();
                    assertEquals(1, report.idle() + report.finished());
                    assertFalse(answer == null && report.finished() > 0);
                } catch (NetparkException.Reset e) {
                    // it came when the connection was closed already
                }
                serving.get();
            });
        }
    }

    @Test
    void anotherCallOrAnInterruptHurriesAShutdown() throws Exception {
        Setting setting = Setting.all().get(0);
        for (boolean interrupt : new boolean[] {false, true}) {
            withListener(setting, (group, listener) -> {
                CountDownLatch begun = new CountDownLatch(1);
                Setting.Started<Void> serving = serve(setting, listener, connection -> {
                    begun.countDown();
                    connection.await(1);
                });
                try (BlockingConnection client = dial(listener)) {
                    Support.await(begun);
                    Setting.Started<Shutdown.Report> ending = setting.start(() -> listener.shutdown(Shutdown.within(Duration.ofDays(1))));
                    ending.awaitWaiting();
                    if (interrupt) {
                        ending.thread().interrupt();
                    } else {
                        assertEquals(1, listener.shutdown(Shutdown.within(Duration.ofMillis(10))).cut());
                    }
                    assertEquals(new Shutdown.Report(0, 0, 0, 1), ending.get());
                    serving.get();
                }
            });
        }
    }

    @Test
    void aHandlerDoesNotWaitForItself() throws Exception {
        Setting setting = Setting.all().get(0);
        withListener(setting, (group, listener) -> {
            Setting.Started<Void> serving = serve(setting, listener, connection -> {
                assertThrows(IllegalStateException.class, () -> listener.shutdown(Shutdown.within(Duration.ZERO)));
                listener.close();
            });
            try (BlockingConnection client = dial(listener)) {
                assertFalse(client.await(1));
            }
            serving.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anInterruptEndsServingAndCutsOffTheHandlers(Setting setting) throws Exception {
        withListener(setting, (group, listener) -> {
            CountDownLatch begun = new CountDownLatch(1);
            Setting.Started<Boolean> serving = setting.start(() -> {
                assertThrows(InterruptedIOException.class, () -> listener.serve(connection -> {
                    begun.countDown();
                    connection.await(1);
                }, onFailure));
                return Thread.currentThread().isInterrupted();
            });
            try (BlockingConnection client = dial(listener)) {
                Support.await(begun);
                serving.awaitWaiting();
                serving.thread().interrupt();
                assertTrue(serving.get());
                assertFalse(client.await(1));
                awaitNobodyListens(listener);
            }
        });
    }

    @Test
    void thoseInExcessAreNotServed() throws Exception {
        Setting setting = Setting.all().get(0);
        try (EventLoopGroup group = setting.open((what, cause) -> {});
                BlockingListener listener = BlockingListener.listen(group, setting.address(), NetOptions.DEFAULT,
                        Admission.of(1, Admission.Excess.REFUSE))) {
            Setting.Started<Void> serving = serve(setting, listener, ECHO);
            try (BlockingConnection first = dial(listener)) {
                assertEquals("a", ask(first, "a"));
                assertThrows(NetparkException.Reset.class, () -> {
                    try (BlockingConnection second = dial(listener)) { // that may meet the reset already
                        second.await(1);
                    }
                });
            }
            listener.close();
            serving.get();
        }
    }

    @Test
    void whoIsNotServedWaitsForARequestAsForAByte() throws Exception {
        Setting.all().get(0).withPair((client, server) -> {
            client.write(new byte[] {1});
            client.shutdownOutput();
            assertTrue(server.awaitRequest());
            assertEquals(1, server.awaitByte());
            assertFalse(server.awaitRequest());
            assertFalse(server.isDraining());
            assertNull(server.awaitLine());
        });
    }
}
