package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class CloseCallbackTest {

    private static final int ROUNDS = 400;
    private static final int ADDED = 20;

    @Test
    void everyCloseCallbackRunsOnceOnTheLoopWhoeverClosesAndWheneverItIsAdded() throws Exception {
        Support.Reports reports = new Support.Reports();
        BlockingQueue<CallbackConnection> connections = new LinkedBlockingQueue<>();
        AtomicInteger closed = new AtomicInteger();
        AtomicInteger offLoop = new AtomicInteger();
        try (EventLoopGroup group = Support.group(2, reports);
                CallbackServer server = CallbackServer.builder()
                        .group(group)
                        .onConnect(connections::add)
                        .onRequest((connection, in) -> connection.write(in))
                        .onClose((connection, cause) -> closed.incrementAndGet())
                        .listen(Support.loopback())) {
            for (int round = 0; round < ROUNDS; round++) {
                Socket socket = Support.connect(server);
                CallbackConnection connection = connections.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                AtomicIntegerArray ran = new AtomicIntegerArray(ADDED);
                List<Thread> threads = new ArrayList<>();
                threads.add(new Thread(() -> {
                    for (int i = 0; i < ADDED; i++) {
                        int number = i;
                        connection.onClose((c, cause) -> {
                            ran.incrementAndGet(number);
                            if (!c.loop().inLoop()) {
                                offLoop.incrementAndGet();
                            }
                        });
                    }
                }));
                threads.add(new Thread(connection::close));
                threads.add(new Thread(() -> connection.loop().execute(connection::close)));
                threads.add(new Thread(() -> {
                    try {
                        if (ThreadLocalRandom.current().nextBoolean()) {
                            Support.reset(socket);
                        } else {
                            socket.close();
                        }
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                }));
                threads.forEach(Thread::start);
                for (Thread thread : threads) {
                    thread.join();
                }
                Support.await("all close callbacks", () -> sum(ran) >= ADDED);
                for (int i = 0; i < ADDED; i++) {
                    assertEquals(1, ran.get(i));
                }
            }
            Support.await("all closed", () -> server.connections() == 0);
            assertEquals(ROUNDS, closed.get());
            assertEquals(0, offLoop.get());
            assertTrue(reports.causes.isEmpty());
        }
    }

    private static int sum(AtomicIntegerArray counts) {
        int sum = 0;
        for (int i = 0; i < counts.length(); i++) {
            sum += counts.get(i);
        }
        return sum;
    }

    @Test
    void oneAddedAfterCloseRunsAtOnceAlsoWhenTheLoopHasEnded() throws Exception {
        Support.Reports reports = new Support.Reports();
        BlockingQueue<CallbackConnection> connections = new LinkedBlockingQueue<>();
        AtomicInteger ran = new AtomicInteger();
        CallbackConnection connection;
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = CallbackServer.builder()
                        .group(group)
                        .onConnect(connections::add)
                        .ignoreInput()
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            connection = connections.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            connection.close();
            Support.await("closed", () -> server.connections() == 0);
            group.next().submit(() -> {
                connection.onClose((c, cause) -> ran.incrementAndGet());
                assertEquals(1, ran.get());
            }).get();
            connection.onClose((c, cause) -> ran.incrementAndGet());
            Support.await("run", () -> ran.get() == 2);
            assertTrue(socket.isConnected());
        }
        connection.onClose((c, cause) -> ran.incrementAndGet());
        assertEquals(3, ran.get());
    }
}
