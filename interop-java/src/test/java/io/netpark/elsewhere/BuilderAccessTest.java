package io.netpark.elsewhere;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackServer;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** What builders have in common is said once, in a class that is no user's business. */
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
    void theyAreCalledByReflectionAsScriptingLanguagesDo() throws Exception {
        for (Object builder : List.of(CallbackServer.builder(), CallbackClient.builder())) {
            Method method = builder.getClass().getMethod("highWaterMark", int.class);
            assertEquals(builder, method.invoke(builder, 1000));
            assertFalse(Modifier.isPublic(builder.getClass().getSuperclass().getModifiers()));
        }
    }
}
