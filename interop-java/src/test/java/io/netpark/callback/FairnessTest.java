package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FairnessTest {

    /** A C library that counts calls. */
    private static LibC counting(ConcurrentHashMap<String, AtomicLong> calls) {
        LibC real = Binding.defaultLibC();
        return (LibC) Proxy.newProxyInstance(LibC.class.getClassLoader(), new Class<?>[] {LibC.class},
                (proxy, method, arguments) -> {
                    calls.computeIfAbsent(method.getName(), name -> new AtomicLong()).incrementAndGet();
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** S4 of the race list: completions at once must not nest. */
    @Test
    void aMillionReadsThatSucceedAtOnceNeitherRecurseNorHoldUpOthers() throws Exception {
        // One byte a read and a request: if reading, or asking for a turn, nested, the stack would be thousands deep.
        int bytes = Flavour.current().isTls() ? 200_000 : 1_000_000;
        AtomicInteger received = new AtomicInteger();
        AtomicInteger deepest = new AtomicInteger();
        CompletableFuture<Integer> pingAt = new CompletableFuture<>();
        CountDownLatch pinged = new CountDownLatch(1);
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = Support.server()
                        .group(group)
                        .inputLimit(1) // so that every read is full, and the next one follows at once
                        .onRequest((connection, in) -> {
                            if (in.get() == '!') {
                                pingAt.complete(received.get());
                                connection.write(Support.bytes("!"));
                                return;
                            }
                            int count = received.incrementAndGet();
                            if (count == 1000) { // or all may have been received before the ping is sent
                                assertTrue(pinged.await(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
                            }
                            if (count % 1000 == 0) {
                                deepest.accumulateAndGet(new Throwable().getStackTrace().length, Math::max);
                            }
                        })
                        .listen(Support.loopback());
                Socket flood = Support.connect(server);
                Socket ping = Support.connect(server)) {
            Thread sender = new Thread(() -> Support.send(flood, "x".repeat(bytes)));
            sender.start();
            Support.await("flooded", () -> received.get() == 1000);
            Support.send(ping, "!");
            pinged.countDown();
            assertEquals("!", Support.receive(ping, 1));
            assertTrue(pingAt.get(1, TimeUnit.SECONDS) < bytes, "the other had to wait for the end");
            Support.await("all received", () -> received.get() == bytes);
            sender.join();
            assertTrue(deepest.get() < 40, "stack depth " + deepest);
        }
    }

    @Test
    void aRequestIsOneReceiveAndOneSend() throws Exception {
        ConcurrentHashMap<String, AtomicLong> calls = new ConcurrentHashMap<>();
        int requests = 2_000;
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).libc(counting(calls)).open();
                CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((connection, in) -> connection.write(in))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            for (int i = 0; i < 10; i++) {
                Support.send(socket, "warm");
                Support.receive(socket, 4);
            }
            Thread.sleep(50);
            calls.clear();
            for (int i = 0; i < requests; i++) {
                Support.send(socket, "request");
                Support.receive(socket, 7);
            }
            Thread.sleep(50);
            assertEquals(requests, calls.get("recv").get());
            assertEquals(requests, calls.get("send").get());
            List<String> others = calls.keySet().stream()
                    .filter(name -> !List.of("recv", "send", "epollWait", "epollPwait2").contains(name))
                    .toList();
            assertEquals(List.of(), others); // no epoll_ctl, no wake-up
        }
    }

    @Test
    void aRequestAllocatesNothing() throws Exception {
        assertNothingIsAllocated();
    }

    @Test
    void aWholeMessageAllocatesNothing() throws Exception {
        assertNothingIsAllocated("messages");
    }

    private static void assertNothingIsAllocated(String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String argument : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (argument.startsWith("--enable-native-access") || argument.startsWith("--sun-misc")) {
                command.add(argument);
            }
        }
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        command.addAll(List.of("-cp", classPath, AllocationProbe.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains(AllocationProbe.NOTHING), output);
    }
}
