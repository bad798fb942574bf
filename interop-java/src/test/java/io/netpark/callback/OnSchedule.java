package io.netpark.callback;

import java.lang.reflect.Method;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/** Has each test be a {@link ScheduledRun}, with what is done before and after it. */
public final class OnSchedule implements BeforeEachCallback, AfterEachCallback, InvocationInterceptor {

    @Override
    public void beforeEach(ExtensionContext context) {
        ScheduledRun.begin();
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        try {
            ScheduledRun.end();
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void interceptBeforeEachMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        inTurn(invocation);
    }

    @Override
    public void interceptTestMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        inTurn(invocation);
    }

    @Override
    public void interceptTestTemplateMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        inTurn(invocation);
    }

    @Override
    public void interceptAfterEachMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        inTurn(invocation);
    }

    private static void inTurn(Invocation<Void> invocation) throws Throwable {
        ScheduledRun run = ScheduledRun.current();
        if (run == null) {
            invocation.proceed();
        } else {
            run.inTurn(invocation::proceed);
        }
    }
}
