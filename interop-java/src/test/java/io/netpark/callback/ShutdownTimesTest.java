package io.netpark.callback;

import static io.netpark.callback.Between.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.net.serving.Shutdown;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A shutdown takes no longer than its times, whatever callbacks do and wherever it is called from. */
@Timeout(60)
class ShutdownTimesTest {

    private static final Duration LONG = Duration.ofSeconds(Long.MAX_VALUE);
    private static final Duration SHORT = Duration.ofMillis(50);

    private final CountDownLatch inside = new CountDownLatch(1);
    private final CountDownLatch release = new CountDownLatch(1);

    private void hang(CallbackConnection connection) throws InterruptedException {
        inside.countDown();
        release.await();
    }

    private static CompletableFuture<Shutdown.Report> onThread(CallbackServer server, Shutdown phases) {
        return CompletableFuture.supplyAsync(() -> server.shutdown(phases), task -> new Thread(task).start());
    }

    @Test
    void aCallbackOnTheLoopThatDoesNotEndIsCutOff() throws Exception {
        try (CallbackServer server = Support.server().loops(1).onRequest((connection, in) -> hang(connection))
                        .listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "x");
            inside.await();
            try {
                assertEquals(new Shutdown.Report(0, 0, 0, 1), get(onThread(server, Shutdown.within(SHORT).flushing(SHORT))));
                assertTrue(endsSomehow(client));
            } finally {
                release.countDown();
            }
        }
    }

    @Test
    void aCallbackOfAWorkerThatDoesNotEndIsCutOff() throws Exception {
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = Support.server().loops(1).workers(workers)
                        .onRequest((connection, in) -> hang(connection)).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "x");
            inside.await();
            try {
                assertEquals(new Shutdown.Report(0, 0, 0, 1), get(onThread(server, Shutdown.within(SHORT))));
                assertTrue(endsSomehow(client));
            } finally {
                release.countDown();
            }
        }
    }

    private static boolean endsSomehow(Socket client) {
        try {
            return client.getInputStream().read() == -1;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void aSecondCallWithLessTimeCutsTheFirstShort() throws Exception {
        try (CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.await("one", () -> server.connections() == 1);
            CompletableFuture<Shutdown.Report> patient =
                    onThread(server, new Shutdown(LONG, LONG, LONG, true));
            Support.await("draining", server::isDraining);
            Shutdown.Report report = get(onThread(server, Shutdown.within(SHORT)));
            assertEquals(1, report.flushed() + report.cut()); // it has nothing to flush
            assertEquals(report, get(patient));
            assertEquals(-1, client.getInputStream().read());
        }
    }

    @Test
    void closingTheServerEndsAllWaiting() throws Exception {
        CompletableFuture<Shutdown.Report> patient;
        try (CallbackServer server = Support.server().loops(1).ignoreInput().listen(Support.loopback())) {
            try (Socket client = Support.connect(server)) {
                Support.await("one", () -> server.connections() == 1);
                patient = onThread(server, Shutdown.within(LONG).announcing(LONG));
                Support.await("draining", server::isDraining);
                Runnable close = server::close;
                close.run();
                assertEquals(-1, client.getInputStream().read());
            }
        }
        assertEquals(0, get(patient).cut()); // closing was first
    }

    @Test
    void aCallbackShutsItsServerDownWithoutWaiting() throws Exception {
        CompletableFuture<CallbackServer> self = new CompletableFuture<>();
        CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();
        CompletableFuture<String> refusal = new CompletableFuture<>();
        try (CallbackServer server = Support.server().loops(1)
                        .onRequest((connection, in) -> {
                            refusal.complete(assertThrows(IllegalStateException.class,
                                    () -> self.join().shutdown(Shutdown.within(LONG))).getMessage());
                            self.join().shutdownAsync(Shutdown.within(LONG)).thenAccept(report::complete);
                            assertTrue(connection.isDraining());
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket client = Support.connect(server)) {
            self.complete(server);
            Support.send(client, "bye");
            assertEquals("bye", Support.receiveAll(client));
            assertEquals(new Shutdown.Report(1, 0, 0, 0), get(report));
            assertTrue(get(refusal).contains("call shutdownAsync"), get(refusal));
        }
    }

    @Test
    void aWorkerMayShutAnotherServerDown() throws Exception {
        CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();
        try (CallbackServer other = Support.server().loops(1).ignoreInput().listen(Support.loopback());
                Workers workers = Workers.pool(1, 1);
                CallbackServer server = Support.server().loops(1).workers(workers)
                        .onRequest((connection, in) -> report.complete(other.shutdown(Shutdown.within(LONG))))
                        .listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "x");
            assertEquals(new Shutdown.Report(0, 0, 0, 0), get(report));
        }
    }

    /** In a JVM of its own. */
    @ParameterizedTest
    @ValueSource(strings = {"loop", "workers"})
    void aCallbackThatExitsIsNotWaitedForByTheHookThatClosesItsServer(String where) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("--")).forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                ExitProbe.class.getName(), where));
        Process probe = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try {
            assertTrue(probe.waitFor(40, TimeUnit.SECONDS), "it has not ended");
            assertEquals(7, probe.exitValue());
        } finally {
            probe.destroyForcibly();
        }
    }
}
