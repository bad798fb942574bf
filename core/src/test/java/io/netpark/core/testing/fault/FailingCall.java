package io.netpark.core.testing.fault;

import io.netpark.core.heap.Block;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls of which one fails, by the name of its method and its number, counted from 1; all others are made. The call that fails is not
 * made, but for those of which the manual pages say that they have an effect though they fail: close(2) always, and connect(2) that is
 * interrupted.
 */
public final class FailingCall implements Calls {

    private final LibC real;
    private final String method;
    private final int number;
    private final int errno;
    private final AtomicInteger calls = new AtomicInteger();
    private final OutOfMemoryError error = new OutOfMemoryError("injected");
    private final LibC libc;

    /** @param errno what it fails with, or {@link Failures#NO_MEMORY} */
    public FailingCall(LibC real, String method, int number, int errno) {
        this.real = real;
        this.method = method;
        this.number = number;
        this.errno = errno;
        this.libc = (LibC) Proxy.newProxyInstance(FailingCall.class.getClassLoader(), new Class<?>[] {LibC.class},
                (proxy, called, arguments) -> called.getName().equals(method) && calls.incrementAndGet() == number
                        ? failed(called, arguments) : make(called, arguments));
    }

    @Override
    public LibC libc() {
        return libc;
    }

    @Override
    public Block allocate(int size) {
        if (method.equals(MEMORY) && calls.incrementAndGet() == number) {
            throw error;
        }
        return Block.allocate(size);
    }

    /** Whether the call has come, and failed. */
    public boolean hasFailed() {
        return calls.get() >= number;
    }

    /** Whether something that was thrown is what it threw, or says so. */
    public boolean isCauseOf(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause == error) {
                return true;
            }
        }
        return false;
    }

    private Object failed(Method called, Object[] arguments) throws Throwable {
        if (errno == Failures.NO_MEMORY) {
            throw error;
        }
        boolean hasEffect = method.equals("close") || method.equals("connect") && errno == Errno.EINTR;
        int result = hasEffect ? (int) make(called, arguments) : 0;
        if (result < 0 && result != -Errno.EINPROGRESS) {
            return result; // it had failed anyway
        }
        if (called.getReturnType() == long.class) {
            return (long) -errno;
        }
        return -errno;
    }

    private Object make(Method called, Object[] arguments) throws Throwable {
        try {
            return called.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    @Override
    public String toString() {
        return new Fault(method, number, errno).toString();
    }
}
