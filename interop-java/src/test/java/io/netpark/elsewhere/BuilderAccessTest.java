package io.netpark.elsewhere;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackPair;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** What builders have in common, and a connection's output, are said in classes that are no user's business. */
class BuilderAccessTest {

    @Test
    void settingsAreChainedAndReferredToByAnotherPackage() throws Exception {
        CallbackServer.Builder builder = CallbackServer.builder().loops(1).highWaterMark(1000).ignoreInput();
        IntFunction<CallbackServer.Builder> inputLimit = builder::inputLimit;
        Function<Duration, CallbackServer.Builder> idle = builder::idleTimeout;
        assertEquals(builder, inputLimit.apply(1000));
        assertEquals(builder, idle.apply(Duration.ofMinutes(1)));
        try (CallbackServer server = builder.loops(group -> group.daemon(true)).listen("localhost", 0);
                CallbackClient client = CallbackClient.builder().loops(1).readTimeout(Duration.ofMinutes(1)).open()) {
            assertTrue(server.port() > 0);
            assertEquals(0, client.connections());
        }
    }

    @Test
    void aConnectionIsWrittenToByAnotherPackage() throws Exception {
        CompletableFuture<Void> written = new CompletableFuture<>();
        try (CallbackClient client = CallbackClient.builder().loops(1).open();
                CallbackPair pair = client.pair(Callbacks.builder().build(),
                        Callbacks.builder().onRequest((connection, in) -> written.complete(null)).build())) {
            Function<ByteBuffer, CompletableFuture<Void>> write = pair.first()::writeAsync;
            write.apply(ByteBuffer.wrap(new byte[1])).get(10, TimeUnit.SECONDS);
            written.get(10, TimeUnit.SECONDS);
            assertTrue(pair.first().isWritable());
            assertFalse(Modifier.isPublic(pair.first().getClass().getSuperclass().getModifiers()));
        }
    }

    @Test
    void theyAreCalledByReflectionAsScriptingLanguagesDo() throws Exception {
        for (Object builder : List.of(CallbackServer.builder(), CallbackClient.builder())) {
            Method method = builder.getClass().getMethod("highWaterMark", int.class);
            assertEquals(builder, method.invoke(builder, 1000));
            assertFalse(Modifier.isPublic(builder.getClass().getSuperclass().getModifiers()));
        }
    }
}
