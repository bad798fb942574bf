package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.core.sys.NetparkException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.api.Test;

class PairTest {

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    /** What a test is about. */
    private static Callbacks greeter(ConcurrentLinkedQueue<String> events) {
        return Callbacks.builder()
                .onConnect(connection -> {
                    events.add("connect");
                    connection.write(Support.bytes("hello "));
                })
                .onRequest((connection, in) -> connection.write(in))
                .onClose((connection, cause) -> events.add("close " + cause))
                .build();
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void callbacksAreTestedWithoutAPort(Support.Platform platform) throws Exception {
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        CompletableFuture<String> answer = new CompletableFuture<>();
        Callbacks looks = Callbacks.builder()
                .onConnect(connection -> connection.write(Support.bytes("world")))
                .onRequest((connection, in) -> {
                    if (in.remaining() == 11) {
                        answer.complete(Support.take(in));
                    }
                })
                .build();
        try (var group = platform.group().loops(2).open();
                CallbackClient client = CallbackClient.builder().group(group).open()) {
            CallbackPair pair = client.pair(greeter(events), looks);
            assertEquals("hello world", answer.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            assertEquals("unix:unnamed", pair.first().remoteAddress().toString());
            pair.second().close();
            Support.await("both are gone", () -> client.connections() == 0);
            assertEquals(List.of("connect", "close null"), List.copyOf(events));
        }
    }

    @Test
    void aPairEndsWithItsClient() throws Exception {
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        OpenDescriptors before = OpenDescriptors.now();
        CallbackClient client = CallbackClient.builder().loops(1).open();
        client.pair(greeter(events), greeter(new ConcurrentLinkedQueue<>()));
        Support.await("connected", () -> events.contains("connect"));
        client.close();
        assertEquals(0, client.connections());
        assertThrows(NetparkException.Closed.class, () -> client.pair(greeter(events), greeter(events)));
        before.awaitOpened(0);
    }

    @Test
    void closingAPairClosesBothEnds() throws Exception {
        try (CallbackClient client = CallbackClient.builder().loops(2).open()) {
            client.pair(Callbacks.builder().build(), Callbacks.builder().build()).close();
            Support.await("both are gone", () -> client.connections() == 0);
        }
    }
}
