package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.core.loop.EventLoopGroup;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class InterruptTest {

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aFlagThatOneConnectionsCallbackLeavesDoesNotReachTheNext() throws Exception {
        List<Boolean> flags = Collections.synchronizedList(new ArrayList<>());
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
                CallbackServer server = CallbackServer.builder().group(group).onConnect(connection -> {
                    flags.add(Thread.currentThread().isInterrupted());
                    Thread.currentThread().interrupt();
                }).onRequest((connection, in) -> {
                    flags.add(Thread.currentThread().isInterrupted());
                    in.position(in.limit());
                    Thread.currentThread().interrupt();
                }).listen(Support.loopback())) {
            CountDownLatch hold = new CountDownLatch(1);
            group.first().execute(() -> awaitLatch(hold)); // so that all are accepted in one go
            List<Socket> clients = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                clients.add(Support.connect(server));
                Support.send(clients.get(i), "x");
            }
            hold.countDown();
            Support.await("all were told", () -> flags.size() == 10);
            assertEquals(Collections.nCopies(10, false), flags);
            for (Socket client : clients) {
                client.close();
            }
        }
    }
}
