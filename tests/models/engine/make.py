"""Makes the models beside this file, one rewritten operator each, and their goldens.

    python make.py        (made with numpy 2.4.6, onnx 1.23.2 and onnxruntime 1.31.1)

Goldens are ONNX Runtime's outputs, `ort` with all graph optimisations and `ref` with none.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = Path(__file__).parent
rng=np.random.default_rng(0)
MS='com.microsoft'
def save(id,nodes,init,ins,outs,opset=13):
    g=h.make_graph(nodes,id,ins,outs,[nh.from_array(v,k) for k,v in init.items()])
    m=h.make_model(g,opset_imports=[h.make_opsetid('',opset),h.make_opsetid(MS,1)],ir_version=9)
    b=m.SerializeToString(); (HERE / f'{id}.onnx').write_bytes(b)
    r={}
    for tag,l in(('ort',ort.GraphOptimizationLevel.ORT_ENABLE_ALL),('ref',ort.GraphOptimizationLevel.ORT_DISABLE_ALL)):
        so=ort.SessionOptions(); so.graph_optimization_level=l; so.log_severity_level=4
        s=ort.InferenceSession(b,so); rng=np.random.default_rng(1)
        for c in range(3):
            f={}
            for k,i in enumerate(s.get_inputs()):
                t={'tensor(float)':np.float32,'tensor(uint8)':np.uint8,'tensor(int8)':np.int8,'tensor(bool)':bool,'tensor(uint16)':np.uint16}[i.type]
                v=rng.standard_normal(i.shape).astype(t)*2 if t==np.float32 else (rng.integers(0,2,i.shape).astype(bool) if t==bool else rng.integers(np.iinfo(t).min,np.iinfo(t).max+1,i.shape).astype(t))
                f[i.name]=v; r[f'in{c}_{k}']=v
            for k,v in enumerate(s.run(None,f)): r[f'{tag}{c}_{k}']=v
    r['names_in']=np.array([i.name for i in s.get_inputs()]); r['names_out']=np.array([o.name for o in s.get_outputs()])
    np.savez_compressed(HERE / 'goldens' / f'{id}.npz',**r)
def vi(n,t,s): return h.make_tensor_value_info(n,t,s)
f=lambda x: np.array(x,np.float32)
u=lambda x: np.array(x,np.uint8); i8=lambda x: np.array(x,np.int8)
S={'s':f(.05),'z':u(120),'t':f(.037),'tz':u(7)}
def un(op,**a):
    save(op.lower(),[h.make_node(op,['x','s','z','t','tz'],['y'],domain=MS,**a)],S,[vi('x',T.UINT8,[1,4,6,6])],[vi('y',T.UINT8,None)])
un('QLinearSigmoid'); un('QLinearLeakyRelu',alpha=.3)
un('QLinearAveragePool',kernel_shape=[3,3],strides=[2,2],pads=[1,1,1,1]); 
save('avg_cl',[h.make_node('QLinearAveragePool',['x','s','z','t','tz'],['y'],domain=MS,kernel_shape=[3,2],channels_last=1,count_include_pad=1,pads=[1,0,0,1])],S,[vi('x',T.UINT8,[1,6,6,4])],[vi('y',T.UINT8,None)])
save('gap_cl',[h.make_node('QLinearGlobalAveragePool',['x','s','z','t','tz'],['y'],domain=MS,channels_last=1)],S,[vi('x',T.UINT8,[1,5,7,4])],[vi('y',T.UINT8,None)])
un('QLinearGlobalAveragePool',channels_last=0)
un('QLinearSoftmax',axis=-1,opset=13)
save('softmax_ax1',[h.make_node('QLinearSoftmax',['x','s','z','t','tz'],['y'],domain=MS,axis=1,opset=13)],S,[vi('x',T.UINT8,[1,4,6,6])],[vi('y',T.UINT8,None)])
for op in('QLinearAdd','QLinearMul'):
    save(op.lower(),[h.make_node(op,['x','s','z','w','t','tz','o','z'],['y'],domain=MS)],{**S,'o':f(.11)},[vi('x',T.UINT8,[2,3,8]),vi('w',T.UINT8,[1,3,8])],[vi('y',T.UINT8,None)])
save('qwhere',[h.make_node('QLinearWhere',['c','x','s','z','w','t','tz','t','z'],['y'],domain=MS)],S,[vi('c',T.BOOL,[3,8]),vi('x',T.UINT8,[3,8]),vi('w',T.UINT8,[3,8])],[vi('y',T.UINT8,None)])
save('qmatmul_col',[h.make_node('QLinearMatMul',['x','s','z','w','ws','wz','t','tz'],['y'])],{**S,'w':i8(rng.integers(-128,128,(16,5))),'ws':f(rng.uniform(.001,.01,5)),'wz':i8(rng.integers(-5,5,5))},[vi('x',T.UINT8,[2,3,16])],[vi('y',T.UINT8,None)])
save('qconv_group',[h.make_node('QLinearConv',['x','s','z','w','ws','wz','t','tz','b'],['y'],group=4,strides=[2,2],auto_pad='SAME_UPPER')],{**S,'t':f(.2),'w':u(rng.integers(0,256,(8,1,3,3))),'ws':f(rng.uniform(.001,.01,8)),'wz':u([131]*8),'b':rng.integers(-900,900,8).astype(np.int32)},[vi('x',T.UINT8,[1,4,7,7])],[vi('y',T.UINT8,None)])
save('qgemm_f',[h.make_node('QGemm',['x','s','z','w','ws','wz','b'],['y'],domain=MS,transB=1,alpha=.5)],{**S,'w':i8(rng.integers(-128,128,(5,16))),'ws':f(rng.uniform(.001,.01,5)),'wz':i8(np.zeros(5)),'b':rng.integers(-900,900,5).astype(np.int32)},[vi('x',T.UINT8,[3,16])],[vi('y',T.FLOAT,None)])
save('qgemm_q',[h.make_node('QGemm',['x','s','z','w','ws','wz','','t','tz'],['y'],domain=MS,alpha=1.)],{**S,'w':i8(rng.integers(-128,128,(16,5))),'ws':f(.01),'wz':i8(3)},[vi('x',T.UINT8,[3,16])],[vi('y',T.UINT8,None)])
save('dyn_dq',[h.make_node('DynamicQuantizeLinear',['x'],['q','ds','dz']),h.make_node('DequantizeLinear',['q','ds','dz'],['y'])],{},[vi('x',T.FLOAT,[3,16])],[vi('y',T.FLOAT,None)])
save('convint',[h.make_node('DynamicQuantizeLinear',['x'],['q','ds','dz']),h.make_node('ConvInteger',['q','w','dz','wz'],['y'],pads=[1,1,1,1])],{'w':u(rng.integers(0,256,(4,3,3,3))),'wz':u(128)},[vi('x',T.FLOAT,[1,3,6,6])],[vi('y',T.INT32,None)])
save('perchannel_act',[h.make_node('QuantizeLinear',['x','cs','cz'],['q'],axis=1),h.make_node('DequantizeLinear',['q','cs','cz'],['y'],axis=1)],{'cs':f([.1,.2,.3]),'cz':i8([0,3,-4])},[vi('x',T.FLOAT,[2,3,4,4])],[vi('y',T.FLOAT,None)])
save('perchannel_q',[h.make_node('QuantizeLinear',['x','cs','cz'],['q'],axis=-3),h.make_node('Transpose',['q'],['p'],perm=[0,2,3,1]),h.make_node('DequantizeLinear',['p','cs','cz'],['y'],axis=3)],{'cs':f([.1,.2,.3]),'cz':i8([0,3,-4])},[vi('x',T.FLOAT,[2,3,4,4])],[vi('y',T.FLOAT,None)])
save('u16',[h.make_node('QuantizeLinear',['x','cs','cz'],['q'],domain=MS),h.make_node('DequantizeLinear',['q','cs','cz'],['y'],domain=MS)],{'cs':f(.001),'cz':np.array(30000,np.uint16)},[vi('x',T.FLOAT,[2,3,4,4])],[vi('y',T.FLOAT,None)])
save('const_nodes',[h.make_node('Constant',[],['cs'],value_float=.125),h.make_node('Constant',[],['cz'],value=nh.from_array(u(9),'v')),h.make_node('QuantizeLinear',['x','cs','cz'],['q']),h.make_node('MaxPool',['q'],['m'],kernel_shape=[2,2],pads=[1,1,0,0]),h.make_node('DequantizeLinear',['m','cs','cz'],['y'])],{},[vi('x',T.FLOAT,[1,3,4,4])],[vi('y',T.FLOAT,None)])
save('qat_weights',[h.make_node('QuantizeLinear',['w','cs','cz'],['q'],axis=0),h.make_node('DequantizeLinear',['q','cs','cz'],['r'],axis=0),h.make_node('Conv',['x','r'],['y'])],{'w':f(rng.standard_normal((3,2,1,1))),'cs':f([.1,.02,.03]),'cz':i8([0,0,0])},[vi('x',T.FLOAT,[1,2,4,4])],[vi('y',T.FLOAT,None)])
for opset in (11,13):
  save(f'softmax_op{opset}',[h.make_node('DequantizeLinear',['x','s','z'],['a']),h.make_node('Softmax',['a'],['b'],axis=1),h.make_node('QuantizeLinear',['b','ps','pz'],['y'])],{**S,'ps':f(1/256),'pz':u(0)},[vi('x',T.UINT8,[1,4,3])],[vi('y',T.UINT8,None)],opset)
# int8, with scales that make ties of many results.
S8={'s':f(.05),'z':i8(-7),'t':f(.05),'tz':i8(3),'o':f(.1),'p':f(.01)}
save('qlinearmul_s8',[h.make_node('QLinearMul',['x','s','z','w','o','tz','p','z'],['y'],domain=MS)],S8,[vi('x',T.INT8,[2,40,8]),vi('w',T.INT8,[2,40,8])],[vi('y',T.INT8,None)])
save('qlinearaveragepool_s8',[h.make_node('QLinearAveragePool',['x','s','z','t','tz'],['y'],domain=MS,kernel_shape=[2,2],strides=[1,1])],S8,[vi('x',T.INT8,[1,8,13,13])],[vi('y',T.INT8,None)])
save('qlinearglobalaveragepool_s8',[h.make_node('QLinearGlobalAveragePool',['x','s','z','t','tz'],['y'],domain=MS)],S8,[vi('x',T.INT8,[2,64,4,4])],[vi('y',T.INT8,None)])
