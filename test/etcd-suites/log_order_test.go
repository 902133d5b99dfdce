// Decides histories of etcd's robustness suite that its checker could not decide in time (docs/reference/etcd-suites.md tells how to run it).
package validate

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"go.etcd.io/etcd/tests/v3/robustness/model"
	"go.etcd.io/etcd/tests/v3/robustness/report"
)

// The suite lets a write without an answer take effect at any time after its call, and tries such writes in all orders.
// The members' log knows their order. Each is given one moment within its interval here: whatever order the checker then finds
// is one for the wider intervals, too.
func TestLinearizableInOrderOfLog(t *testing.T) {
	path := os.Getenv("REPORT_DIR")
	if path == "" {
		t.Skip("REPORT_DIR names no report that the suite saved")
	}
	lg := zaptest.NewLogger(t)
	reports, err := report.LoadClientReports(path)
	require.NoError(t, err)
	log, err := report.LoadClusterPersistedRequests(lg, path)
	require.NoError(t, err)
	require.NoError(t, checkValidationAssumptions(reports))

	operations, serializable, _ := prepareAndCategorizeOperations(reports)
	operations = patchLinearizableOperations(operations, reports, log)
	narrowed := narrowUnanswered(t, operations, log)
	t.Logf("%d operations, %d in the log, %d without an answer have one moment now", len(operations), len(log), narrowed)
	result := validateLinearizableOperationsAndVisualize(lg, model.ModelKeys(operations), operations, 5*time.Minute)
	require.NoError(t, result.Error())

	traffic, err := report.LoadTrafficDetail(path)
	require.NoError(t, err)
	replay := model.NewReplay(log)
	require.NoError(t, validateWatch(lg, Config{ExpectRevisionUnique: traffic.ExpectUniqueRevision}, reports, replay).Error())
	require.NoError(t, validateSerializableOperations(lg, serializable, replay).Error())
}

func narrowUnanswered(t *testing.T, operations []porcupine.Operation, log []model.EtcdRequest) (narrowed int) {
	operationAt := matchUnique(operations, log)
	earliest := make([]int64, len(log))
	latest := make([]int64, len(log))
	for i, at := range operationAt {
		latest[i] = math.MaxInt64
		if at >= 0 {
			earliest[i], latest[i] = operations[at].Call, operations[at].Return
		}
	}
	boundByReads(operations, log, earliest, latest)
	for i := len(log) - 2; i >= 0; i-- {
		latest[i] = min(latest[i], latest[i+1])
	}
	var moment int64
	for i, at := range operationAt {
		moment = max(earliest[i], moment+1)
		require.LessOrEqual(t, moment, latest[i], "request %d of the log took effect outside of its interval", i)
		if at >= 0 && !isAnswered(operations[at]) {
			operations[at].Call, operations[at].Return = moment, moment+1
			narrowed++
		}
	}
	return narrowed
}

// matchUnique finds the operation of each request in the log, or -1 where several are alike.
func matchUnique(operations []porcupine.Operation, log []model.EtcdRequest) []int {
	inLog := map[string]int{}
	for _, request := range log {
		inLog[nameOf(request)]++
	}
	byClients := map[string][]int{}
	for at, operation := range operations {
		name := nameOf(operation.Input.(model.EtcdRequest))
		byClients[name] = append(byClients[name], at)
	}
	operationAt := make([]int, len(log))
	for i, request := range log {
		operationAt[i] = -1
		if name := nameOf(request); inLog[name] == 1 && len(byClients[name]) == 1 {
			operationAt[i] = byClients[name][0]
		}
	}
	return operationAt
}

// nameOf is a put's key and value, which the suite seldom repeats, or else the whole request: the log leaves leases and limits out.
func nameOf(request model.EtcdRequest) string {
	var subject any = request
	if request.Type == model.Txn {
		for _, operation := range request.Txn.AllOperations() {
			if operation.Type == model.PutOperation {
				subject = []any{operation.Put.Key, operation.Put.Value}
				break
			}
		}
	}
	text, _ := json.Marshal(subject)
	return string(text)
}

// boundByReads lets a revision begin before the reads that saw it have ended, and after those that saw the one before were called.
func boundByReads(operations []porcupine.Operation, log []model.EtcdRequest, earliest, latest []int64) {
	requests := make([]porcupine.Operation, len(log))
	for i, request := range log {
		requests[i].Input = request
	}
	state := model.DeterministicModel(model.ModelKeys(requests)).Init().(model.EtcdState)
	madeBy := map[int64]int{}
	for i, request := range log {
		next, _ := state.Step(request)
		if next.Revision != state.Revision {
			madeBy[next.Revision] = i
		}
		state = next
	}
	for _, operation := range operations {
		request, response := operation.Input.(model.EtcdRequest), operation.Output.(model.MaybeEtcdResponse)
		if request.Type != model.Range || response.Error != "" {
			continue
		}
		if i, ok := madeBy[response.Revision]; ok {
			latest[i] = min(latest[i], operation.Return)
		}
		if i, ok := madeBy[response.Revision+1]; ok {
			earliest[i] = max(earliest[i], operation.Call)
		}
	}
}

func isAnswered(operation porcupine.Operation) bool {
	response := operation.Output.(model.MaybeEtcdResponse)
	return response.Error == "" && !response.Persisted
}
