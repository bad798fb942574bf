package io.netpark.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a C function becomes a method handle of the Foreign Function and Memory API, and a call's result: it, or minus errno.
 *
 * <p>Everything travels as {@code long}, a pointer and an {@code int} too: both 64-bit architectures have it in the same register,
 * and leave the upper half of an {@code int}'s unspecified (System V ABI for AMD64, section 3.2.3; AAPCS64, section 6.8.2). No
 * segment object is made of a pointer; and functions with as many arguments have one type, and the JDK spins the code that calls
 * them once a type: six times at a program's start, and not 22 times, which took twice as long. errno is captured into a segment that each thread keeps. No call is made {@code critical}: even a non-blocking
 * system call takes microseconds at times, and a critical call would hold up every safepoint of the process meanwhile.
 *
 * <p>Subclasses keep handles in {@code static final} fields and invoke them exactly, so the JIT compiles a call down to the C
 * calling convention. What a request calls they keep in <i>instance</i> fields as well, which the compiler does not take for
 * constants. A constant handle is compiled into its caller, and where that is deep in a tree of inlined methods the handle's inner
 * parts are not: the slice of {@link #STATE} that the JDK makes in each call is then an object. Called through such a field, a
 * handle is code of its own, in which it never is.
 */
@SuppressWarnings("restricted") // native access is what this class is for
abstract class FfmCalls {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");
    private static final long ERRNO_OFFSET = CAPTURE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    /** Where the calling thread's errno is captured. */
    static final ThreadLocal<MemorySegment> STATE = ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    /** Where a function is that not every C library has. */
    static Optional<MemorySegment> find(String name) {
        return LINKER.defaultLookup().find(name);
    }

    /** The function, which every C library has. */
    static MethodHandle handle(String name, int arguments) {
        return downcall(find(name).orElseThrow(() -> new UnsatisfiedLinkError(name)), arguments);
    }

    /** As the other, for a function that takes any number of arguments after the first two. */
    static MethodHandle variadic(String name, int arguments) {
        return LINKER.downcallHandle(find(name).orElseThrow(() -> new UnsatisfiedLinkError(name)),
                type(arguments), CAPTURE_ERRNO, Linker.Option.firstVariadicArg(2));
    }

    /** The function at an address. */
    static MethodHandle downcall(MemorySegment address, int arguments) {
        return LINKER.downcallHandle(address, type(arguments), CAPTURE_ERRNO);
    }

    private static FunctionDescriptor type(int arguments) {
        MemoryLayout[] longs = new MemoryLayout[arguments];
        Arrays.fill(longs, JAVA_LONG);
        return FunctionDescriptor.of(JAVA_LONG, longs);
    }

    /** What a call of {@link LibC} returns whose function returns an {@code int}: the lower half of the register. */
    static int intResult(long register, MemorySegment state) {
        int result = (int) register;
        return result >= 0 ? result : -state.get(JAVA_INT, ERRNO_OFFSET);
    }

    /** As the other, of a function that returns a {@code long}. */
    static long result(long result, MemorySegment state) {
        return result >= 0 ? result : -state.get(JAVA_INT, ERRNO_OFFSET);
    }

    /** A downcall throws nothing of its own: what arrives here is an Error of the JVM. */
    static AssertionError unexpected(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return new AssertionError(failure);
    }
}
